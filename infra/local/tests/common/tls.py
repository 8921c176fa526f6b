"""HTTPS on a free port of this machine, whose number it prints:
python3 tls.py CERTIFICATE KEY UPSTREAM            passes requests on to a server without TLS
python3 tls.py CERTIFICATE KEY ANSWERS.json        answers GET requests with the key `metabase` from a file: path -> body"""

import http.client
import http.server
import json
import ssl
import sys

certificate, key, upstream = sys.argv[1:]
answers = json.load(open(upstream)) if upstream.endswith(".json") else None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if answers is None:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection = http.client.HTTPConnection(upstream, timeout=60)
            connection.request(self.command, self.path, body, headers)
            answered = connection.getresponse()
            status, kind, body = answered.status, answered.headers["content-type"], answered.read()
        elif self.headers.get("x-api-key") != "metabase":
            status, kind, body = 401, "text/plain", b"Unauthenticated"
        else:
            found = answers.get(self.path)
            status, kind, body = 404 if found is None else 200, "application/json", json.dumps(found).encode()
        self.send_response(status)
        self.send_header("content-type", kind or "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = answer

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
