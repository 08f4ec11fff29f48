// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

// writeBOM writes the list of components: the files of a release, and the modules that
// are in them, as the linker noted them.
func (b *builder) writeBOM(path string) error {
	licences, err := readLicences(filepath.Join(b.root, "THIRD_PARTY.md"))
	if err != nil {
		return err
	}
	modules := map[string]cyclonedx.Component{} // by their references
	var products []cyclonedx.Component
	var depends []cyclonedx.Dependency
	for _, t := range targets {
		for _, name := range []string{"gdummy.so", "gdummy"} {
			product, parts, err := b.product(t, name, licences)
			if err != nil {
				return err
			}
			products = append(products, product)
			refs := []string{}
			for _, m := range parts {
				modules[m.BOMRef] = m
				refs = append(refs, m.BOMRef)
			}
			slices.Sort(refs)
			depends = append(depends, cyclonedx.Dependency{Ref: product.BOMRef, Dependencies: &refs})
		}
	}
	components := products
	for _, ref := range slices.Sorted(maps.Keys(modules)) {
		components = append(components, modules[ref])
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{
		Timestamp: b.src.Time.Format(time.RFC3339),
		Component: &cyclonedx.Component{
			BOMRef: "pkg:github/gdummy/gdummy@" + b.src.Commit, Type: cyclonedx.ComponentTypeApplication,
			Name: "gdummy", Version: b.src.Version, Licenses: licence("Apache-2.0"),
			PackageURL: "pkg:github/gdummy/gdummy@" + b.src.Commit,
		},
	}
	bom.Components, bom.Dependencies = &components, &depends
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := cyclonedx.NewBOMEncoder(f, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return f.Close()
}

// product returns the component of a file that was built, and those of the modules in it.
func (b *builder) product(t target, name string, licences map[string]string) (cyclonedx.Component, []cyclonedx.Component, error) {
	file := b.path(t, name)
	text, err := os.ReadFile(file)
	if err != nil {
		return cyclonedx.Component{}, nil, err
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return cyclonedx.Component{}, nil, err
	}
	product := cyclonedx.Component{
		BOMRef: t.arch + "/" + name, Type: cyclonedx.ComponentTypeFile, Name: name, Version: b.src.Version, Licenses: licence("Apache-2.0"),
		Hashes:     &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sha256.Sum256(text))}},
		Properties: &[]cyclonedx.Property{{Name: "arch", Value: t.arch}},
	}
	std := "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")
	parts := []cyclonedx.Component{{BOMRef: std, PackageURL: std, Type: cyclonedx.ComponentTypeLibrary, Name: "std", Version: info.GoVersion, Licenses: licence("BSD-3-Clause")}}
	for _, m := range info.Deps {
		c, err := moduleComponent(m.Path, m.Version, m.Sum, licences)
		if err != nil {
			return product, nil, err
		}
		parts = append(parts, c)
	}
	return product, parts, nil
}

// moduleComponent returns the component of a module. sum is that of go.sum.
func moduleComponent(path, version, sum string, licences map[string]string) (cyclonedx.Component, error) {
	id := licences[path]
	if id == "" {
		return cyclonedx.Component{}, fmt.Errorf("THIRD_PARTY.md has no licence of %s", path)
	}
	hash, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:"))
	if err != nil || len(hash) != sha256.Size {
		return cyclonedx.Component{}, fmt.Errorf("module %s has the sum %q: expected h1: and a SHA-256", path, sum)
	}
	url := "pkg:golang/" + path + "@" + version
	return cyclonedx.Component{
		BOMRef: url, PackageURL: url, Type: cyclonedx.ComponentTypeLibrary, Name: path, Version: version, Licenses: licence(id),
		Hashes: &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: fmt.Sprintf("%x", hash)}},
	}, nil
}

func licence(id string) *cyclonedx.Licenses {
	return &cyclonedx.Licenses{{License: &cyclonedx.License{ID: id}}}
}

// licenceRow is a row of the table in THIRD_PARTY.md.
var licenceRow = regexp.MustCompile(`(?m)^\| (\S+) \| (\S+) \|$`)

// readLicences returns the licences of modules, by their paths.
func readLicences(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	licences := map[string]string{}
	for _, m := range licenceRow.FindAllStringSubmatch(string(text), -1) {
		licences[m[1]] = m[2]
	}
	return licences, nil
}
