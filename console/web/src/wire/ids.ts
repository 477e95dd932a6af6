// Names for requests.

/** The id of a request that nobody made before. (`crypto.randomUUID` is missing on a page without TLS.) */
export function requestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
