#!/bin/bash
# Builds the image without an image registry, on a Debian machine, as root. It builds both base images itself, from
# Debian packages. Needs buildah, mmdebstrap and the npm registry.
#   deploy/build-offline.sh [name of the image]
# With PKCS11=true the image contains the addon for hardware tokens.
set -eu
cd "$(dirname "$0")/.."
image=${1:-localhost/auth4agent}
suite=trixie
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# base NAME VARIANT PACKAGES [OPTION…]: builds an image that contains only the packages.
base() {
  mmdebstrap --quiet --variant="$2" --include="$3" "${@:4}" "$suite" "$work/base.tar"
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$work/base.tar" / >/dev/null
  buildah commit --quiet --rm "$container" "$1" >/dev/null
}

# Debian's node-gyp would link addons to Debian's own Node. The image loads them with another Node, so the hook removes
# that link option.
base localhost/auth4agent-build-base minbase ca-certificates,nodejs,npm \
  --customize-hook='sed -i /-lnode/d "$1/usr/share/nodejs/node-gyp/addon.gypi"'
base localhost/auth4agent-run-base extract base-files,ca-certificates,libc6,libgcc-s1,libstdc++6,netbase,tzdata
# The build uses this machine's network, its trusted certificate authorities, and npm's settings if there are any.
npmrc=${NPM_CONFIG_USERCONFIG:-$HOME/.npmrc}
[ -f "$npmrc" ] || npmrc=/dev/null
buildah build --file deploy/Containerfile --isolation chroot --network host --tag "$image" \
  --ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit "nproc=$(ulimit -Hu):$(ulimit -Hu)" \
  --volume "$npmrc:/root/.npmrc:ro" --volume /etc/ssl/certs:/etc/ssl/certs:ro \
  --volume /usr/local/share/ca-certificates:/usr/local/share/ca-certificates:ro \
  --build-arg BUILD_IMAGE=localhost/auth4agent-build-base --build-arg RUN_IMAGE=localhost/auth4agent-run-base \
  --build-arg PKCS11="${PKCS11:-false}" .
