// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gdummy/gdummy/internal/prove/audit"
)

// schema is a JSON Schema.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Format      string             `json:"format,omitempty"`
	Minimum     *int               `json:"minimum,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	AnyOf       []*schema          `json:"anyOf,omitempty"`
}

// schemaOf returns the schema of a type's encoding/json form.
func schemaOf(t reflect.Type) *schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case t == reflect.TypeFor[audit.Booked]():
		return &schema{Type: "integer", Minimum: new(int)}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Slice:
		return &schema{Type: "array", Items: schemaOf(t.Elem())}
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Uint64, reflect.Uint16:
		return &schema{Type: "integer", Minimum: new(int)}
	case reflect.Int, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Struct:
	default:
		panic(t.String())
	}
	s := &schema{Type: "object", Properties: map[string]*schema{}}
	for i := range t.NumField() {
		f := t.Field(i)
		name, flags, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			embedded := schemaOf(f.Type)
			for name, p := range embedded.Properties {
				s.Properties[name] = p
			}
			s.Required = append(s.Required, embedded.Required...)
		case f.IsExported():
			s.Properties[name] = schemaOf(f.Type)
			// Point omits unknown latencies.
			if flags == "" && !(t == reflect.TypeFor[audit.Point]() && strings.HasSuffix(name, "latency")) {
				s.Required = append(s.Required, name)
			}
		}
	}
	slices.Sort(s.Required)
	return s
}

// describe adds the descriptions of members to a schema. It returns those without a member.
func describe(s *schema, members [][2]string) (unplaced []string) {
	for _, m := range members {
		at := s
		for part := range strings.SplitSeq(m[0], ".") {
			name, element := strings.CutSuffix(part, "[]")
			if at = at.Properties[name]; at != nil && element {
				at = at.Items
			}
			if at == nil {
				unplaced = append(unplaced, m[0])
				break
			}
		}
		if at != nil {
			at.Description = m[1]
		}
	}
	return unplaced
}

// leaves returns the paths of a schema's members without members.
func leaves(s *schema, path string) (all []string) {
	switch {
	case s.Items != nil:
		return leaves(s.Items, path+"[]")
	case s.Properties == nil:
		return []string{path}
	}
	for name, p := range s.Properties {
		all = append(all, leaves(p, strings.TrimPrefix(path+"."+name, "."))...)
	}
	return all
}

// capacitySchema returns the schema of an answer or of a comparison.
func capacitySchema() *schema {
	one, two := schemaOf(reflect.TypeFor[capacityResult]()), schemaOf(reflect.TypeFor[capacityComparison]())
	one.AnyOf = []*schema{{Required: one.Required}, {Required: two.Required}}
	for name, p := range two.Properties {
		one.Properties[name] = p
	}
	one.Required = []string{"headroom", "sink"}
	return one
}

// within returns members within another.
func within(prefix string, members [][2]string) (all [][2]string) {
	for _, m := range members {
		all = append(all, [2]string{prefix + m[0], m[1]})
	}
	return all
}

// The schemas in docs/reference are current, and the tables have every member.
func TestSchemas(t *testing.T) {
	report, refused := schemaOf(reflect.TypeFor[auditReport]()), schemaOf(reflect.TypeFor[refusedReport]())
	report.AnyOf = []*schema{{Required: report.Required}, {Required: refused.Required}}
	report.Properties["unreadable"] = refused.Properties["unreadable"]
	report.Required = []string{"clean", "known"}
	tables := memberTables()
	if len(tables) != 6 {
		t.Fatalf("%d tables, want 6", len(tables))
	}
	auditMembers, countMembers, capacityMembers, trialMembers, comparisonMembers := tables[0], tables[1], tables[2], tables[3], tables[4]
	counts := slices.Clone(countMembers)
	for _, m := range countMembers {
		counts = append(counts, [2]string{"streams[]." + m[0], m[1]})
	}
	for _, m := range auditMembers {
		// Those of a kind of damage have the names of the total.
		if name, ok := strings.CutPrefix(m[0], "broken_records."); ok && !strings.Contains(name, "[]") {
			counts = append(counts, [2]string{"broken_records.kinds[]." + name, m[1]})
		}
	}
	comparisonMembers = slices.DeleteFunc(comparisonMembers, func(m [2]string) bool { return m[0] == "b" })
	for _, m := range slices.Clone(comparisonMembers) {
		if name, ok := strings.CutPrefix(m[0], "a."); ok {
			comparisonMembers = append(comparisonMembers, [2]string{"b." + name, m[1]})
		}
	}
	for _, s := range []struct {
		file, title string
		schema      *schema
		members     [][2]string
	}{
		{"audit", "What gdummy audit --json prints", report, slices.Concat(auditMembers, counts)},
		{"capacity", "What gdummy capacity --json prints", capacitySchema(), slices.Concat(capacityMembers, within("trials[].", trialMembers), comparisonMembers,
			within("comparison.a[].", trialMembers), within("comparison.b[].", trialMembers))},
		{"check", "What gdummy check --json prints", schemaOf(reflect.TypeFor[checkReport]()), checkMembers()},
	} {
		var documented, want []string
		for _, m := range s.members {
			documented = append(documented, m[0])
		}
		for _, path := range leaves(s.schema, "") {
			// The counts of a stream are documented with the totals.
			if rest, ok := strings.CutPrefix(path, "streams[]."); ok && (strings.HasPrefix(rest, "latency.") || strings.HasPrefix(rest, "timeline.") || strings.HasPrefix(rest, "broken_records.")) {
				path = "streams[]." + rest[:strings.IndexByte(rest, '.')]
			}
			want = append(want, path)
		}
		slices.Sort(documented)
		slices.Sort(want)
		if d := cmp.Diff(slices.Compact(want), documented); d != "" {
			t.Errorf("members of %s --json (-), and in the table (+): %s", s.file, d)
		}
		if unplaced := describe(s.schema, s.members); len(unplaced) > 0 {
			t.Errorf("%s: unknown members: %v", s.file, unplaced)
		}
		s.schema.Schema, s.schema.Title = "https://json-schema.org/draft/2020-12/schema", s.title
		got, err := json.MarshalIndent(s.schema, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		path := "../../docs/reference/" + s.file + ".schema.json"
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if file, err := os.ReadFile(path); err != nil || !bytes.Equal(file, got) {
			t.Errorf("%s is not current (%v); `make docs` renews it", path, err)
		}
	}
}
