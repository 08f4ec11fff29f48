package fake

import "slices"

// Table has a row for every function, in the order of the documentation.
var Table = slices.Concat(numbers, choice, state, identity, times, text, people, logic, stringFuncs, special)
