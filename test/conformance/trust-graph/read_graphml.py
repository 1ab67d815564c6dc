"""Reads GraphML with networkx, and writes its nodes and edges as JSON. Used by export.test.ts."""

import json
import sys

import networkx

graph = networkx.parse_graphml(sys.stdin.read(), force_multigraph=True)
nodes = [data for _, data in graph.nodes(data=True)]
edges = [
    {**data, "from": graph.nodes[start]["id"], "to": graph.nodes[end]["id"]}
    for start, end, data in graph.edges(data=True)
]
json.dump({"nodes": nodes, "edges": edges}, sys.stdout)
