"""Finds the best path of each question with networkx. Reads and writes JSON. Used by networkx.test.ts."""

import json
import sys

import networkx

END = "end"


def best_path(question):
    """Returns the edge ids of the path with the fewest edges, then the lowest ids; None if there is no path."""
    graph = networkx.MultiDiGraph()
    owner, caller = question["owner"], question["caller"]
    blocked = {edge["to"] for edge in question["edges"] if edge["kind"] == "blocks" and edge["from"] == owner}
    if caller in blocked:
        return None
    # A node is an operator with the number of member edges that may still follow.
    for edge in question["edges"]:
        start, end, kind = edge["from"], edge["to"], edge["kind"]
        if kind == "member" and start not in blocked:
            for left in (1, 2):
                graph.add_edge((start, left), END if end == caller else (end, left - 1), key=edge["id"])
                graph.add_edge((start, left), (end, left - 1), key=edge["id"])
        elif start == owner and edge["maps"] and kind in ("lets-call", "caller") and end == caller:
            graph.add_edge("start", END, key=edge["id"])
        elif start == owner and edge["maps"] and kind == "accepts-members-of" and end not in blocked:
            graph.add_edge("start", (end, edge["depth"]), key=edge["id"])
    if "start" not in graph or END not in graph:
        return None
    paths = networkx.all_simple_edge_paths(graph, "start", END, cutoff=3)
    ids = [[key for _, _, key in path] for path in paths]
    return min(ids, key=lambda path: (len(path), path), default=None)


questions = json.load(sys.stdin)
json.dump([best_path(question) for question in questions], sys.stdout)
