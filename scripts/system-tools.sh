#!/bin/sh
# system-tools.sh TOOL...: brings the programs that PyPI does not have, with the system's package
# manager. Where it may not (neither root nor sudo without a password), it prints the command to type.
set -eu

fail() {
    echo "error: $1" >&2
    exit 2
}

# Any of these is a Chromium.
there() {
    case $1 in
    chromium) set -- chromium chromium-browser google-chrome ;;
    esac
    for name in "$@"; do
        command -v "$name" >/dev/null 2>&1 && return 0
    done
    return 1
}

missing=
for tool in "$@"; do
    there "$tool" || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0

manager=
for candidate in apt-get dnf pacman zypper apk brew; do
    if command -v "$candidate" >/dev/null 2>&1; then
        manager=$candidate
        break
    fi
done
[ -n "$manager" ] || fail "these programs must be installed:$missing"

packages=
for tool in $missing; do
    case $manager:$tool in
    brew:iverilog) package=icarus-verilog ;;
    brew:chromium) fail "Chromium must be installed: brew install --cask chromium" ;;
    brew:g++) fail "a C++ compiler must be installed: xcode-select --install" ;;
    dnf:g++ | zypper:g++) package=gcc-c++ ;;
    pacman:g++) package=gcc ;;
    *) package=$tool ;;
    esac
    packages="$packages $package"
done

case $manager in
apt-get) install="apt-get install -y" ;;
dnf | zypper) install="$manager install -y" ;;
pacman) install="pacman -S --noconfirm" ;;
apk) install="apk add" ;;
brew) install="brew install" ;;
esac

as=
if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
    as=sudo
    sudo -n true 2>/dev/null || fail "$missing missing; type: sudo $install$packages"
fi
echo "installing$packages with $manager"
if [ "$manager" = apt-get ]; then
    $as env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true # a list may be stale: the next line tells
    install="env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq"
fi
$as $install$packages >/dev/null || fail "the installation must succeed:$install$packages"
for tool in $missing; do
    there "$tool" || fail "$tool must be on PATH after installing$packages"
done
