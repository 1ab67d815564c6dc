import { describe, expect, it } from 'vitest'
import { createVetAddress } from './vet-address.ts'

describe('createVetAddress', () => {
  const vet = createVetAddress([])

  it.each(['8.8.8.8', '93.184.215.14', '172.15.0.1', '172.32.0.1', '100.128.0.1', '198.20.0.1', '223.255.255.254'])(
    'allows the public IPv4 address %s',
    (address) => expect(vet(address)).toBe(true),
  )

  it.each(['2606:4700::1111', '2a00:1450:4001:830::200e', '2003::1', '2400:cb00::1'])(
    'allows the public IPv6 address %s',
    (address) => expect(vet(address)).toBe(true),
  )

  it.each([
    ['unspecified', '0.0.0.0'],
    ['of this network', '0.1.2.3'],
    ['loopback', '127.0.0.1'],
    ['loopback, another', '127.255.255.254'],
    ['private, 10/8', '10.0.0.1'],
    ['private, 172.16/12', '172.16.0.1'],
    ['private, the end of 172.16/12', '172.31.255.255'],
    ['private, 192.168/16', '192.168.1.1'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['the metadata service of Alibaba', '100.100.100.200'],
    ['link-local', '169.254.0.1'],
    ['the metadata service of most clouds', '169.254.169.254'],
    ['the platform service of Azure', '168.63.129.16'],
    ['protocol assignments', '192.0.0.8'],
    ['the metadata service of Oracle', '192.0.0.192'],
    ['documentation 1', '192.0.2.1'],
    ['documentation 2', '198.51.100.1'],
    ['documentation 3', '203.0.113.1'],
    ['6to4 relay', '192.88.99.1'],
    ['benchmarking', '198.18.0.1'],
    ['benchmarking, the end', '198.19.255.255'],
    ['AS112', '192.175.48.1'],
    ['multicast', '224.0.0.1'],
    ['multicast, the end', '239.255.255.255'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified, IPv6', '::'],
    ['loopback, IPv6', '::1'],
    ['loopback, written out', '0:0:0:0:0:0:0:1'],
    ['link-local, IPv6', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['link-local with a zone of other characters', 'fe80::1%eth-0.100'],
    ['site-local', 'fec0::1'],
    ['unique-local', 'fc00::1'],
    ['the metadata service of EC2, IPv6', 'fd00:ec2::254'],
    ['multicast, IPv6', 'ff02::1'],
    ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
    ['IPv4-mapped loopback in hexadecimal', '::ffff:7f00:1'],
    ['IPv4-mapped public', '::ffff:8.8.8.8'],
    ['IPv4-compatible', '::127.0.0.1'],
    ['IPv4-translated', '::ffff:0:127.0.0.1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['NAT64 of a public address', '64:ff9b::808:808'],
    ['NAT64, local', '64:ff9b:1::a00:1'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001::1'],
    ['benchmarking, IPv6', '2001:2::1'],
    ['ORCHID', '2001:20::1'],
    ['documentation, IPv6', '2001:db8::1'],
    ['documentation, RFC 9637', '3fff::1'],
    ['discard', '100::1'],
    ['segment routing', '5f00::1'],
    ['unassigned IPv6', '4000::1'],
    ['text that is no address', 'auth.example'],
    ['a short IPv4 address', '127.1'],
    ['a short public address', '8.8.2056'],
    ['a decimal public address', '134744072'],
    ['a decimal address', '2130706433'],
    ['an empty text', ''],
  ])('refuses %s: %s', (_name, address) => {
    expect(vet(address)).toBe(false)
  })

  it.each([
    ['an address', ['10.1.2.3'], '10.1.2.3', true],
    ['an address, but not its neighbour', ['10.1.2.3'], '10.1.2.4', false],
    ['a range', ['10.0.0.0/8'], '10.255.0.1', true],
    ['a range given by an address inside', ['10.1.2.3/8'], '10.255.0.1', true],
    ['the second range', ['192.168.0.0/16', '10.0.0.0/8'], '10.0.0.1', true],
    ['loopback', ['127.0.0.0/8'], '127.0.0.1', true],
    ['an IPv6 address', ['::1'], '::1', true],
    ['an IPv6 range', ['fd00::/8'], 'fd12::1', true],
    ['an address with a zone', ['fe80::1%eth-0.100'], 'fe80::1%eth0', true],
    ['a range with a zone', ['fe80::1%eth-0.100/64'], 'fe80::2', true],
    ['NAT64', ['64:ff9b::/96'], '64:ff9b::808:808', true],
    ['an IPv4 range, but no address mapped into IPv6', ['127.0.0.0/8'], '::ffff:127.0.0.1', false],
    ['all IPv4, but no IPv6', ['0.0.0.0/0'], '::1', false],
    ['a range, but no address elsewhere', ['10.0.0.0/8'], '192.168.0.1', false],
    ['ranges, but no text', ['0.0.0.0/0', '::/0'], 'auth.example', false],
  ])('allows by a list %s', (_name, allow, address, expected) => {
    expect(createVetAddress(allow)(address)).toBe(expected)
  })
})
