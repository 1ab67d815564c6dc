"""Serves an ASGI application behind the middleware of docs/mcp-servers.md: one request for each connection."""

import asyncio
import os
import sys

sys.path.insert(0, os.getcwd())
from protected import Protected  # noqa: E402


async def tools(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{scope['client']} for {scope['user']}".encode()})


async def serve(reader, writer):
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = [line.split(":", 1) for line in lines]
    headers = [(name.lower().encode(), value.strip().encode()) for name, value in pairs]

    async def send(message):
        if message["type"] == "http.response.start":
            writer.write(f"HTTP/1.1 {message['status']} x\r\nconnection: close\r\n".encode())
            for name, value in message["headers"]:
                writer.write(name + b": " + value + b"\r\n")
            writer.write(b"\r\n")
        else:
            writer.write(message["body"])

    scope = {"type": "http", "method": method, "path": target, "headers": headers}
    await Protected(tools)(scope, None, send)
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    print("listening", file=sys.stderr)
    async with server:
        await server.serve_forever()


asyncio.run(main())
