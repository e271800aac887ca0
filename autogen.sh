#!/bin/sh
# Makes ./configure from a checkout.
cd "$(dirname "$0")" && mkdir -p build-aux && autoreconf --install --warnings=all "$@"
