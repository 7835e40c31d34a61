// Which hosts are this machine itself: to those, and from those, bytes need no TLS.

// 127.0.0.0/8, and the same inside IPv6, as people write it and as the URL parser does. A name such as 127.0.0.1.example is none.
const ADDRESS = /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::ffff:7f[\da-f]{2}:[\da-f]{1,4}|::1)$/i

/** An address of this machine that no other can reach, or the name for it. Every other name counts as public. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || ADDRESS.test(host)
}
