#!/usr/bin/env bash
# Installs Mesa's software Vulkan driver (lavapipe), version 25 or newer: f16, and twice to five times the speed of the npm adapter.
# Safe to run again; quiet unless something fails. Debian 12 takes it from bookworm-backports, newer systems from their own archive.
set -euo pipefail

fail() { echo "install-lavapipe: $*" >&2; exit 1; }

[ "$(uname -s)" = Linux ] || fail 'lavapipe is for Linux; other systems have a driver of their own'
command -v apt-get >/dev/null || fail 'no apt-get here: install the package mesa-vulkan-drivers (Mesa 25 or newer) by other means'

installed() { dpkg-query -W -f='${db:Status-Abbrev} ${Version}' mesa-vulkan-drivers 2>/dev/null | sed -n 's/^ii  *//p'; }
new_enough() { [ -n "$1" ] && dpkg --compare-versions "$1" ge 25; }

new_enough "$(installed)" && dpkg-query -W libvulkan1 >/dev/null 2>&1 && exit 0

SUDO=''
[ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && SUDO=sudo || fail 'run as root'; }

. /etc/os-release
from=''
if [ "${VERSION_CODENAME:-}" = bookworm ]; then
  from='/bookworm-backports'
  list=/etc/apt/sources.list.d/bookworm-backports.sources
  # The mirror that the system uses already, so that a proxy or an inner mirror keeps working.
  uri=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | grep -oE 'https?://[^ ]*/debian/?( |$)' | head -1 | tr -d ' ' || true)
  grep -rqs bookworm-backports /etc/apt/sources.list /etc/apt/sources.list.d ||
    printf 'Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
      "${uri:-http://deb.debian.org/debian}" | $SUDO tee "$list" >/dev/null
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
{
  $SUDO apt-get update -q
  $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "mesa-vulkan-drivers$from" libvulkan1
} >"$log" 2>&1 || { cat "$log" >&2; fail 'the packages could not be installed'; }

new_enough "$(installed)" || fail "Mesa $(installed) is too old: 25 or newer is needed"
