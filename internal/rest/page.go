package rest

import "encoding/json"

// MaxPageBytes is the limit for the answer to a list, with its line end. A purchase may have 40 KB, and a page a hundred
// purchases, but the caller waits only a second and has little memory.
const MaxPageBytes = 1<<20 - 1

// EncodePage returns the JSON of a page that build makes of its first n items. It asks build for fewer items while the JSON is
// larger than MaxPageBytes, but for at least one. The page that build made last is the page that is returned.
func EncodePage(n int, build func(n int) any) (json.RawMessage, error) {
	for {
		text, err := Encode(build(n))
		if err != nil || len(text) <= MaxPageBytes || n <= 1 {
			return text, err
		}
		n = max(1, n*MaxPageBytes/len(text))
	}
}
