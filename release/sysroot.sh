#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0

# sysroot.sh ARCH DIR: lays the C library of Debian 11 for amd64 or arm64 into DIR, to
# link against. What is linked against glibc 2.31 and needs none of its newest symbols
# runs with older ones, too; linked against a newer glibc it would not.
#
# Debian's suites get no new versions once their time is over, so the packages below
# are the last ones, and pinned. $DEBIAN_MIRROR is where they are; without it, the
# mirror that apt uses.
set -euo pipefail

arch=$1 dir=$2
packages='libc6 libc6-dev linux-libc-dev'
sums=$(cd "$(dirname "$0")" && pwd)/sysroot.sums
[ ! -e "$dir/.complete" ] || ! cmp -s "$sums" "$dir/.complete" || exit 0

mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs"
touch "$work/state/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" >"$work/sources.list"
apt="apt-get -qq -o Dir::State=$work/state -o Dir::State::status=$work/state/status -o Dir::Cache=$work/cache
	-o Dir::Etc::SourceList=$work/sources.list -o Dir::Etc::SourceParts=/dev/null
	-o APT::Architecture=$arch -o APT::Architectures=$arch -o Acquire::Languages=none -o APT::Sandbox::User="
$apt update
(cd "$work/debs" && $apt download $packages)
(cd "$work/debs" && grep "_$arch.deb\$" "$sums" | sha256sum --check --quiet --strict)
rm -rf "$dir"
mkdir -p "$dir"
for deb in "$work"/debs/*.deb; do
	dpkg-deb --extract "$deb" "$dir"
done

# Links to /lib would lead to the libraries of this machine.
find "$dir" -type l -lname '/*' | while read -r link; do
	ln -sfr "$dir$(readlink "$link")" "$link"
done
cp "$sums" "$dir/.complete"
