// SPDX-License-Identifier: Apache-2.0

package fake

import "fmt"

// userAgents are the user agents of current browsers and crawlers, repeated in
// proportion to their share. Browsers send a frozen platform version, so only their own
// version varies.
var userAgents = agents()

func agents() []string {
	const (
		windows = "Windows NT 10.0; Win64; x64"
		mac     = "Macintosh; Intel Mac OS X 10_15_7"
		android = "Linux; Android 10; K"
	)
	var all []string
	add := func(share int, format string, versions ...any) {
		for _, v := range versions {
			for range share {
				all = append(all, fmt.Sprintf(format, v))
			}
		}
	}
	chrome := []any{"138", "139", "140", "141", "142"}
	add(9, "Mozilla/5.0 ("+windows+") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s.0.0.0 Safari/537.36", chrome...)
	add(4, "Mozilla/5.0 ("+mac+") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s.0.0.0 Safari/537.36", chrome...)
	add(1, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s.0.0.0 Safari/537.36", chrome...)
	add(10, "Mozilla/5.0 ("+android+") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s.0.0.0 Mobile Safari/537.36", chrome...)
	add(2, "Mozilla/5.0 ("+windows+") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%[1]s.0.0.0 Safari/537.36 Edg/%[1]s.0.0.0", chrome...)
	add(8, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%s Mobile/15E148 Safari/604.1", "18.5", "18.6", "26.0", "26.1")
	add(4, "Mozilla/5.0 ("+mac+") AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%s Safari/605.1.15", "18.5", "18.6", "26.0", "26.1")
	add(2, "Mozilla/5.0 ("+windows+"; rv:%[1]s.0) Gecko/20100101 Firefox/%[1]s.0", "128", "140", "143", "144")
	add(1, "Mozilla/5.0 (X11; Linux x86_64; rv:%[1]s.0) Gecko/20100101 Firefox/%[1]s.0", "128", "140", "143", "144")
	add(3, "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/%s Chrome/125.0.0.0 Mobile Safari/537.36", "28.0")
	add(4, "Mozilla/5.0 (compatible; Googlebot/%s; +http://www.google.com/bot.html)", "2.1")
	add(3, "Mozilla/5.0 (compatible; bingbot/%s; +http://www.bing.com/bingbot.htm)", "2.0")
	add(3, "curl/%s", "7.88.1", "8.5.0")
	add(2, "%s", "kube-probe/1.31", "python-requests/2.32.3", "Go-http-client/1.1", "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)")
	return all
}
