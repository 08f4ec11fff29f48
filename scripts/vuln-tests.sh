#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# vuln-tests.sh GOVULNCHECK: scans what only tests link, in all modules. govulncheck does
# not see tests in the package that they test, even with -test (golang/go#80601), and
# binaries of tests do not name their modules. So it scans a copy of the source, in which
# such tests are a part of the package. Set VULNARGS for its arguments.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar --exclude=./build --exclude=./.git -cf - . | tar -xf - -C "$work"
cd "$work"
find . -name '*_test.go' ! -path '*/testdata/*' -exec grep -L '^package .*_test$' {} + | while read -r file; do
	mv "$file" "${file%_test.go}_t.go"
done
# Exported functions, such as tests, are entry points, but not those of a program.
find . -name '*.go' ! -path '*/testdata/*' -exec sed -i 's/^package main$/package program/' {} +
for mod in $(find . -name go.mod ! -path '*/testdata/*' -exec dirname {} \;); do
	echo "tests of module $mod"
	GOFLAGS=-mod=mod ${GO:-go} -C "$mod" run "$1" ${VULNARGS:-} -test ./...
done
