// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"cmp"
	"slices"
)

// sections are the sections of the documentation, in order.
var sections = []string{
	secNumbers, secChoice, secState, secIdentity, secTime, secText, secPeople, secTests, secLogic, secStrings, secSpecial,
}

// Table has a row for every function, in the order of the documentation.
var Table = bySection(slices.Concat(numbers, choice, state, transitions, memory, groups, identity, times, text, patterns, people, made, things, ids, logic, arithmetics, conversions, collections, stringFuncs, special))

func bySection(table []Func) []Func {
	slices.SortStableFunc(table, func(a, b Func) int {
		return cmp.Compare(slices.Index(sections, a.Section), slices.Index(sections, b.Section))
	})
	return table
}
