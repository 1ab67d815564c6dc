#!/bin/sh
# Patroni runs this once, with the URL of the new cluster as its last argument.
set -eu
psql "$1" --set ON_ERROR_STOP=1 <<SQL
CREATE ROLE auth4agent LOGIN PASSWORD 'replace-3';
CREATE DATABASE auth4agent OWNER auth4agent;
SQL
