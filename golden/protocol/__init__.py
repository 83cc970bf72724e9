"""The host protocol, version 4, in software: docs/host-protocol.md describes the bytes."""
