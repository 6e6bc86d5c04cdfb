#!/bin/sh
# Installs a release of krustlet on Linux or macOS, if its checksum is the one that was published.
#
#     install.sh [--version 2.0.0] [--from URL-or-folder] [--to PREFIX]
#     install.sh --uninstall [--version 2.0.0] [--to PREFIX]
#
# PREFIX (~/.local, or /usr/local for root) gets lib/krustlet-VERSION-OS-ARCH and a link in bin. Without a
# version it is the latest release. Versions that are there stay, since an agent may be running from them;
# --uninstall removes all, or the one that --version names. What nodes keep (~/.krustlet) is never touched.
set -eu
umask 022

RELEASES=https://github.com/krustlet/krustlet/releases/download

fail() {
  echo "Cannot install krustlet: $1" >&2
  exit 1
}

# need TOOL WHY
need() {
  command -v "$1" >/dev/null 2>&1 || fail "$1 is missing, which $2; install it first"
}

# Everything is a function, so that a script of which only the beginning arrived does nothing.
main() {
  version='' from=$RELEASES to='' uninstall=no
  while [ $# -gt 0 ]; do
    case $1 in
      --version | --from | --to)
        [ $# -ge 2 ] || fail "$1 needs a value"
        case $1 in
          --version) version=${2#v} ;;
          --from) from=${2%/} ;;
          --to) to=${2%/} ;;
        esac
        shift 2
        ;;
      --uninstall) uninstall=yes && shift ;;
      --help | -h) usage && exit 0 ;;
      *) fail "there is no option \"$1\"; there are --version, --from, --to, --uninstall" ;;
    esac
  done
  need uname "tells what machine this is"
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
  if [ $uninstall = yes ]; then remove; else install_release; fi
}

usage() {
  echo "install.sh [--version 2.0.0] [--from URL-or-folder] [--to PREFIX]"
  echo "install.sh --uninstall [--version 2.0.0] [--to PREFIX]"
}

install_release() {
  need tar "unpacks the archive"
  need gzip "unpacks the archive"
  need mktemp "makes a folder to work in"
  case $from in
    https://*) need curl "fetches the release (or fetch the files yourself, and give --from FOLDER)" ;;
    *://*) fail "\"$from\" is not fetched: give an https:// URL or a folder" ;;
    *) [ -d "$from" ] || fail "there is no folder \"$from\"" ;;
  esac
  [ -n "$version" ] || version=$(latest)
  is_version "$version" || fail "\"$version\" is no version; one is 2.0.0"
  name=krustlet-$version-$os-$arch
  checksums=checksums-$version.txt

  beside=''
  work=$(mktemp -d)
  trap 'rm -rf "$work"; [ -z "$beside" ] || rm -rf "$beside"' EXIT
  trap 'exit 1' HUP INT TERM
  get "$checksums"
  get "$name.tar.gz"
  verify
  swap
}

# The value of a version becomes part of paths.
is_version() {
  case $1 in
    *[!0-9A-Za-z.+-]* | *..*) return 1 ;;
    [0-9]*.[0-9]*.[0-9]*) return 0 ;;
    *) return 1 ;;
  esac
}

# The version of the latest release: a folder has one, a server says so by the address that it leads to.
latest() {
  case $from in
    https://*)
      page=${from%/download}/latest
      address=$(fetch -I -o /dev/null -w '%{url_effective}' "$page") || fail "\"$page\" does not say \
which release is the latest; say it with --version 2.0.0"
      case $address in
        */tag/v*) echo "${address##*/tag/v}" ;;
        *) fail "\"$page\" does not say which release is the latest; say it with --version 2.0.0" ;;
      esac
      ;;
    *)
      set -- "$from"/checksums-*.txt
      [ $# = 1 ] && [ -f "$1" ] || fail "\"$from\" has not just one release; say which: --version 2.0.0"
      found=${1##*/checksums-}
      echo "${found%.txt}"
      ;;
  esac
}

# TLS only, also where a server leads elsewhere; never for ever.
fetch() {
  curl -fsSL --proto '=https' --proto-redir '=https' --tlsv1.2 --connect-timeout 30 \
    --speed-limit 1000 --speed-time 60 --retry 2 "$@"
}

get() {
  case $from in
    https://*) fetch -o "$work/$1" "$from/v$version/$1" ;;
    *) cp "$from/$1" "$work/$1" ;;
  esac || fail "$1 cannot be had from $from"
}

# Nothing is unpacked before its checksum is known and right.
verify() {
  grep "^[0-9a-f]\{64\}  $name\.tar\.gz\$" "$work/$checksums" >"$work/wanted" ||
    fail "$checksums does not name $name.tar.gz"
  (
    cd "$work"
    if command -v sha256sum >/dev/null 2>&1; then
      sha256sum -c wanted >/dev/null 2>&1
    elif command -v shasum >/dev/null 2>&1; then
      shasum -a 256 -c wanted >/dev/null 2>&1
    else
      fail "neither sha256sum nor shasum is there, which verify the archive; install one first"
    fi || fail "$name.tar.gz is not the file that $checksums names: its SHA-256 differs; nothing was changed"
  ) || exit 1
}

# The new version is complete, and has run, before anything that is there is touched.
swap() {
  mkdir -p "$to/lib" "$to/bin" || fail "\"$to\" cannot be written; give another place with --to"
  beside=$(mktemp -d "$to/lib/.krustlet-XXXXXX") || fail "\"$to/lib\" cannot be written"
  chmod 755 "$beside"
  # -o: as this user's, for all of GNU, BSD and busybox.
  tar -xzof "$work/$name.tar.gz" -C "$beside" || fail "the archive cannot be unpacked in \"$to/lib\""
  said=$("$beside/$name/krustlet" --version 2>&1) || fail "$name does not run on this machine \
(Linux needs glibc 2.27 or later), and nothing was changed. It says: $said"
  [ "$said" = "krustlet $version" ] || fail "the archive of $version says that it is \"$said\""
  if [ -e "$to/lib/$name" ]; then mv "$to/lib/$name" "$beside/old"; fi
  if ! mv "$beside/$name" "$to/lib/$name"; then
    if [ -e "$beside/old" ]; then mv "$beside/old" "$to/lib/$name"; fi
    fail "\"$to/lib/$name\" cannot be written; what was there is there again"
  fi
  # A rename: whoever starts krustlet meanwhile gets the old version or the new one.
  ln -s "../lib/$name/krustlet" "$beside/link"
  mv -f "$beside/link" "$to/bin/krustlet"
  echo "Installed $said as $to/bin/krustlet"
  others=$(installed | grep -vx "$name" || :)
  [ -z "$others" ] || echo "Still there, for agents that run: $(echo "$others" | tr '\n' ' ')"
  case ":$PATH:" in
    *":$to/bin:"*) ;;
    *) echo "\"$to/bin\" is not in PATH: add it" ;;
  esac
}

# Names of the folders of all versions.
installed() {
  for folder in "$to/lib"/krustlet-*-"$os-$arch"; do
    if [ -d "$folder" ]; then echo "${folder##*/}"; fi
  done
}

remove() {
  if [ -n "$version" ]; then
    is_version "$version" || fail "\"$version\" is no version; one is 2.0.0"
    names=krustlet-$version-$os-$arch
    [ -d "$to/lib/$names" ] || fail "there is no \"$to/lib/$names\" to remove"
  else
    names=$(installed)
    [ -n "$names" ] || fail "there is none below \"$to\" to remove"
  fi
  target=$(readlink "$to/bin/krustlet" 2>/dev/null || :)
  for name in $names; do
    if [ "$target" = "../lib/$name/krustlet" ]; then rm -f "$to/bin/krustlet"; fi
    rm -rf "$to/lib/$name"
    echo "Removed $to/lib/$name"
  done
  echo "What nodes keep stays (~/.krustlet, or where --data-dir pointed)"
}

main "$@"
