// SPDX-License-Identifier: Apache-2.0

package units

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseFraction parses a share as a number from 0 to 1 or in percent: 0.2 or 20%.
func ParseFraction(text string) (float64, error) {
	if strings.HasSuffix(text, "%") {
		return ParseShare(text)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return 0, fmt.Errorf("invalid value %q: expected a share from 0 to 1, such as 0.2, or in percent, such as 20%%", text)
	}
	return f, nil
}
