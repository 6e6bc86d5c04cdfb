// The programs of the suite's images, for wasip1; ../images.ts builds and pushes them.
module krustlet.dev/tests/conformance/images

go 1.26.0

require mvdan.cc/sh/v3 v3.14.1

require (
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/term v0.45.0 // indirect
)
