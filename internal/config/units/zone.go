// SPDX-License-Identifier: Apache-2.0

package units

import (
	"time"
	_ "time/tzdata" // containers often have no time zones
)

// ParseZone parses a time zone: an offset such as +02:00, or a name such as
// Europe/Berlin.
func ParseZone(name string) (*time.Location, error) {
	if t, err := time.Parse("-07:00", name); err == nil {
		_, offset := t.Zone()
		return time.FixedZone("", offset), nil
	}
	return time.LoadLocation(name)
}
