/**
 * A check request as Envoy sends it, by its documentation: every attribute of attribute_context.proto that the HTTP
 * filter fills, with `include_peer_certificate` and `include_tls_session`. All header names are in lower case, and the
 * pseudo headers are among the headers.
 *
 * @param route the context extensions of the route
 * @param headers headers of the client
 * @param http replaces attributes of the HTTP request
 */
export function recordedCheck(
  route: object,
  headers: Readonly<Record<string, string>>,
  http: Readonly<Record<string, unknown>> = {},
) {
  const request = { method: 'GET', path: '/orders?page=1', host: 'api.example', scheme: 'https', ...http }
  return {
    attributes: {
      source: {
        address: { socket_address: { address: '10.1.2.3', port_value: 51_234 } },
        principal: 'spiffe://cluster.local/ns/default/sa/client',
        certificate: '-----BEGIN%20CERTIFICATE-----%0AMIIB%0A-----END%20CERTIFICATE-----%0A',
      },
      destination: {
        address: { socket_address: { address: '10.4.5.6', port_value: 8_443 } },
        principal: 'spiffe://cluster.local/ns/default/sa/api',
      },
      request: {
        time: { seconds: 1_795_811_361, nanos: 123_456_000 },
        http: {
          id: '13359530607844510314',
          headers: {
            ':authority': request.host,
            ':method': request.method,
            ':path': request.path,
            ':scheme': request.scheme,
            accept: '*/*',
            'user-agent': 'curl/8.14.1',
            'x-envoy-internal': 'true',
            'x-forwarded-proto': 'https',
            'x-request-id': '5a1b0a4e-1f9d-4f0e-9b43-6f9d6f1f3a11',
            ...headers,
          } as Record<string, string>,
          size: -1,
          protocol: 'HTTP/2',
          ...request,
        },
      },
      context_extensions: route,
      metadata_context: { filter_metadata: {} },
      route_metadata_context: { filter_metadata: { 'envoy.filters.http.rbac': { fields: {} } } },
      tls_session: { sni: 'api.example' },
    },
  }
}
