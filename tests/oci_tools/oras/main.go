// Command oras pushes and pulls artifacts as the command of the same name does, with its names of
// flags: `push [FLAG…] IMAGE FILE[:TYPE]…` and `pull [FLAG…] IMAGE`.
//
// It is that command's engine, oras.land/oras-go, under a command line of our own, for the command's
// own module is not on every proxy of Go modules. Users and passwords are those of Docker.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/file"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"
)

const usage = "usage: oras push [FLAG…] IMAGE FILE[:TYPE]… or oras pull [FLAG…] IMAGE"

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	plainHTTP := flags.Bool("plain-http", false, "speak HTTP")
	artifactType := flags.String("artifact-type", "", "the artifact's type; then the config is empty")
	config := flags.String("config", "", "the config, as FILE:TYPE")
	output := flags.String("output", ".", "folder for what is pulled")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New(usage)
	}
	repository, err := open(flags.Arg(0), *plainHTTP)
	if err != nil {
		return err
	}
	switch args[0] {
	case "push":
		p := pushed{files: flags.Args()[1:], artifactType: *artifactType, config: *config}
		return p.pushTo(ctx, repository)
	case "pull":
		return pull(ctx, repository, *output)
	}
	return errors.New(usage)
}

func open(image string, plainHTTP bool) (*remote.Repository, error) {
	repository, err := remote.NewRepository(image)
	if err != nil {
		return nil, err
	}
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, err
	}
	repository.PlainHTTP = plainHTTP
	repository.Client = &auth.Client{
		Client:     retry.DefaultClient,
		Cache:      auth.NewCache(),
		Credential: credentials.Credential(store),
	}
	return repository, nil
}

// pushed is what becomes an artifact.
type pushed struct {
	files        []string
	artifactType string
	config       string
}

func (p pushed) pushTo(ctx context.Context, repository *remote.Repository) error {
	store, err := file.New(".")
	if err != nil {
		return err
	}
	defer store.Close()
	var options oras.PackManifestOptions
	for _, name := range p.files {
		path, mediaType, _ := strings.Cut(name, ":")
		layer, err := store.Add(ctx, filepath.Clean(path), mediaType, "")
		if err != nil {
			return err
		}
		options.Layers = append(options.Layers, layer)
	}
	version := oras.PackManifestVersion1_1
	if p.config != "" {
		path, mediaType, _ := strings.Cut(p.config, ":")
		config, err := store.Add(ctx, filepath.Clean(path), mediaType, "")
		if err != nil {
			return err
		}
		delete(config.Annotations, v1.AnnotationTitle)
		options.ConfigDescriptor = &config
	} else if p.artifactType == "" {
		p.artifactType = "application/vnd.unknown.artifact.v1"
	}
	manifest, err := oras.PackManifest(ctx, store, version, p.artifactType, options)
	if err != nil {
		return err
	}
	tag := repository.Reference.Reference
	if err := store.Tag(ctx, manifest, tag); err != nil {
		return err
	}
	_, err = oras.Copy(ctx, store, tag, repository, tag, oras.DefaultCopyOptions)
	return err
}

func pull(ctx context.Context, repository *remote.Repository, output string) error {
	store, err := file.New(output)
	if err != nil {
		return err
	}
	defer store.Close()
	tag := repository.Reference.Reference
	_, err = oras.Copy(ctx, repository, tag, store, tag, oras.DefaultCopyOptions)
	return err
}
