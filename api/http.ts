// What goes in and comes out of the API, whatever gateway stands before it. Names of headers are lower case.

export interface ApiRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  /** null: none. */
  body: string | null;
  /** The IAM principal that signed the request; null when the gateway does not say. */
  who: string | null;
  requestId: string;
}

export interface ApiResponse {
  status: number;
  headers: Record<string, string>;
  /** JSON. */
  body: string;
}
