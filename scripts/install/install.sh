#!/bin/sh
# Installs a release of krustlet on Linux or macOS, if its checksum is the one that was published.
#
#     install.sh --version 2.0.0 [--from URL-or-folder] [--to PREFIX]
#
# PREFIX (~/.local, or /usr/local for root) gets lib/krustlet-VERSION-OS-ARCH and a link in bin.
set -eu

version= from=https://github.com/krustlet/krustlet/releases/download to=
fail() {
  echo "Cannot install krustlet: $1" >&2
  exit 1
}
while [ $# -gt 0 ]; do
  case $1 in
    --version | --from | --to)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case $1 in
        --version) version=${2#v} ;;
        --from) from=$2 ;;
        --to) to=$2 ;;
      esac
      shift 2
      ;;
    *) fail "there is no option \"$1\"; there are --version, --from, --to" ;;
  esac
done
[ -n "$version" ] || fail "say which release: --version 2.0.0"
if [ -z "$to" ]; then
  if [ "$(id -u)" = 0 ]; then to=/usr/local; else to=$HOME/.local; fi
fi

case $(uname -s) in
  Linux) os=linux ;;
  Darwin) os=darwin ;;
  *) fail "there is no release for $(uname -s); for Windows see install.ps1" ;;
esac
case $(uname -m) in
  x86_64 | amd64) arch=amd64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) fail "there is no release for $(uname -m)" ;;
esac
name=krustlet-$version-$os-$arch
checksums=checksums-$version.txt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() {
  case $from in
    http://* | https://*)
      if command -v curl >/dev/null; then
        curl -fsSL --proto '=https,http' -o "$work/$1" "$from/v$version/$1"
      else
        wget -qO "$work/$1" "$from/v$version/$1"
      fi
      ;;
    *) cp "$from/$1" "$work/$1" ;;
  esac || fail "$1 cannot be had from $from"
}
get "$checksums"
get "$name.tar.gz"

cd "$work"
grep -F "  $name.tar.gz" "$checksums" >wanted || fail "$checksums does not name $name.tar.gz"
if command -v sha256sum >/dev/null; then
  sha256sum -c wanted >/dev/null 2>&1
else
  shasum -a 256 -c wanted >/dev/null 2>&1
fi || fail "$name.tar.gz is not the file that $checksums names: its SHA-256 differs; nothing was changed"

tar -xzf "$name.tar.gz"
mkdir -p "$to/lib" "$to/bin"
rm -rf "$to/lib/$name.old"
if [ -e "$to/lib/$name" ]; then mv "$to/lib/$name" "$to/lib/$name.old"; fi
mv "$name" "$to/lib/$name"
ln -sf "../lib/$name/krustlet" "$to/bin/krustlet"
rm -rf "$to/lib/$name.old"
echo "Installed $("$to/bin/krustlet" --version) as $to/bin/krustlet"
