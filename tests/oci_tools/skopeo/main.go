// Command skopeo copies images as `skopeo copy` does, with its names of flags.
//
// It is skopeo's engine, go.podman.io/image, under a command line of our own: skopeo's own module is
// not on every proxy of Go modules, and brings the storage of containers and daemons along.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/pkg/compression"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"
)

// manifestTypes are the manifests that --format knows.
var manifestTypes = map[string]string{
	"":     "",
	"oci":  "application/vnd.oci.image.manifest.v1+json",
	"v2s2": manifest.DockerV2Schema2MediaType,
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "copy" {
		return errors.New("usage: skopeo copy [FLAG…] SOURCE DESTINATION")
	}
	flags := flag.NewFlagSet("copy", flag.ContinueOnError)
	authFile := flags.String("authfile", "", "a Docker config.json")
	format := flags.String("format", "", "oci or v2s2")
	compress := flags.String("dest-compress-format", "", "gzip, zstd or zstd:chunked")
	all := flags.Bool("all", false, "copy all images of an index")
	source := sideFlags(flags, "src")
	destination := sideFlags(flags, "dest")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New("a source and a destination are needed")
	}
	manifestType, ok := manifestTypes[*format]
	if !ok {
		return fmt.Errorf("--format %q is neither oci nor v2s2", *format)
	}
	from, err := parseName(flags.Arg(0))
	if err != nil {
		return err
	}
	to, err := parseName(flags.Arg(1))
	if err != nil {
		return err
	}
	options := copy.Options{
		SourceCtx:             source.context(*authFile),
		DestinationCtx:        destination.context(*authFile),
		ForceManifestMIMEType: manifestType,
		ReportWriter:          io.Discard,
	}
	if *all {
		options.ImageListSelection = copy.CopyAllImages
	}
	if *compress != "" {
		algorithm, err := compression.AlgorithmByName(*compress)
		if err != nil {
			return err
		}
		options.DestinationCtx.CompressionFormat = &algorithm
		options.ForceCompressionFormat = true
	}
	accept := signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()}
	policy, err := signature.NewPolicyContext(&signature.Policy{Default: accept})
	if err != nil {
		return err
	}
	_, err = copy.Image(ctx, policy, to, from, &options)
	return errors.Join(err, policy.Destroy())
}

// side is how one of the two places is reached.
type side struct {
	tlsVerify *bool
	certDir   *string
}

func sideFlags(flags *flag.FlagSet, name string) side {
	return side{
		tlsVerify: flags.Bool(name+"-tls-verify", true, "false: HTTP, or any certificate"),
		certDir:   flags.String(name+"-cert-dir", "", "folder of authorities, as *.crt"),
	}
}

func (s side) context(authFile string) *types.SystemContext {
	return &types.SystemContext{
		AuthFilePath:                authFile,
		DockerCertPath:              *s.certDir,
		DockerInsecureSkipTLSVerify: types.NewOptionalBool(!*s.tlsVerify),
		// What this machine says of registries is no matter of the tests.
		SystemRegistriesConfPath:    os.DevNull,
		SystemRegistriesConfDirPath: filepath.Join(os.TempDir(), "no-registries.conf.d"),
	}
}

// parseName understands `docker://HOST/REPOSITORY:TAG` and `oci:FOLDER:TAG`.
func parseName(name string) (types.ImageReference, error) {
	transport, rest, _ := strings.Cut(name, ":")
	switch transport {
	case "docker":
		return docker.ParseReference(rest)
	case "oci":
		return layout.ParseReference(rest)
	}
	return nil, fmt.Errorf("%q begins with neither docker:// nor oci:", name)
}
