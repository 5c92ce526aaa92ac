#!/bin/sh
# Fetches the libraries of the page's charts from npm, and compares them with what
# stands here. With --take they are put here instead, with their hashes.
set -eu
plot=0.6.17
d3=7.9.0

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# fetch PACKAGE VERSION FILE NAME: the file and the licence, under their names here.
fetch() {
	mkdir "$4"
	archive=$(npm pack --silent --pack-destination "$4" "$1@$2")
	tar -xzf "$4/$archive" -C "$4"
	mv "$4/package/$3" "$(basename "$3")"
	mv "$4/package/LICENSE" "$4.LICENSE"
	rm -r "$4"
}
fetch d3 "$d3" dist/d3.min.js d3
fetch @observablehq/plot "$plot" dist/plot.umd.min.js plot

if [ "${1-}" = --take ]; then
	sha256sum -- *.LICENSE *.js >SHA256SUMS
	cp -- * "$here"
	echo "taken: d3 $d3, plot $plot"
else
	sha256sum --check "$here/SHA256SUMS"
fi
