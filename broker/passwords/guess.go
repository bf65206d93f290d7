package passwords

import (
	"encoding/json"
	"math"
	"strings"
	"sync"
	"unicode"

	"github.com/ccojocar/zxcvbn-go/data"
)

// leastBits is how much has to be guessed of a password: four words of a list, or so.
// Some hundred guesses a minute are let through, and each that is made on a stolen
// database costs a hash and needs its keys.
const leastBits = 40

// guessBits estimates how many bits are to be guessed of a password by who tries first
// what people choose: the passwords of known breaches, words and names, each by its rank,
// whatever is the user's own, runs of characters, and repetitions. It is the least that
// any way to put the password together from these takes.
//
// Source: Wheeler, zxcvbn: Low-Budget Password Strength Estimation (USENIX Security 2016).
func guessBits(password string, own []string) float64 {
	text := []rune(strings.ToLower(password))
	plain := []rune(strings.Map(unleet, string(text)))
	best := make([]float64, len(text)+1)
	for i := range best[1:] {
		best[i+1] = math.Inf(1)
	}
	reach := func(from, length int, bits float64) {
		best[from+length] = min(best[from+length], best[from]+bits)
	}
	for i := range text {
		reach(i, 1, bitsOfChar(text, i))
		for n := minWord; n <= min(maxWord, len(text)-i); n++ {
			if rank, ok := ranks()[string(text[i:i+n])]; ok {
				reach(i, n, 1+math.Log2(float64(rank)))
			}
			if rank, ok := ranks()[string(plain[i:i+n])]; ok {
				reach(i, n, 2+math.Log2(float64(rank)))
			}
		}
		for _, word := range own {
			if strings.HasPrefix(string(text[i:]), word) || strings.HasPrefix(string(plain[i:]), word) {
				reach(i, len([]rune(word)), 1)
			}
		}
		for earlier := range i {
			for n := minWord; n <= repeated(text, earlier, i); n++ {
				reach(i, n, 3)
			}
		}
	}
	return best[len(text)]
}

const minWord, maxWord = 3, 24

// repeated is how much of what stands at the place stood at an earlier one, before it.
func repeated(text []rune, earlier, at int) int {
	n := 0
	for earlier+n < at && at+n < len(text) && text[earlier+n] == text[at+n] {
		n++
	}
	return n
}

// rows are characters that lie beside each other on keyboards.
const rows = "`1234567890-= qwertyuiop[] asdfghjkl;' zxcvbnm,./ azertyuiop qwertzuiopü 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/"

// bitsOfChar is one bit for what goes on as it began, else what its kind has.
func bitsOfChar(text []rune, at int) float64 {
	c := text[at]
	if at > 0 {
		before := text[at-1]
		beside := strings.ContainsRune(rows, c) && c != ' ' && before != ' ' &&
			(strings.Contains(rows, string([]rune{before, c})) || strings.Contains(rows, string([]rune{c, before})))
		if d := c - before; d >= -1 && d <= 1 || beside {
			return 1
		}
	}
	switch {
	case c >= '0' && c <= '9':
		return math.Log2(10)
	case c >= 'a' && c <= 'z':
		return math.Log2(26)
	case c < unicode.MaxASCII:
		return math.Log2(33)
	}
	return math.Log2(100)
}

// letters are what characters are written for.
var letters = map[rune]rune{'4': 'a', '@': 'a', '8': 'b', '3': 'e', '1': 'i', '!': 'i', '0': 'o', '5': 's', '$': 's', '7': 't', '2': 'z'}

func unleet(c rune) rune {
	if letter, ok := letters[c]; ok {
		return letter
	}
	return c
}

// ranks is how early each password, word and name is tried: those of breaches, of English
// and of the United States' census. They are read when the first password is set.
var ranks = sync.OnceValue(func() map[string]int {
	out := map[string]int{}
	for _, name := range []string{"Passwords", "English", "MaleNames", "FemaleNames", "Surnames"} {
		text, err := data.Asset("data/" + name + ".json")
		var list struct{ List []string }
		if err == nil {
			err = json.Unmarshal(text, &list)
		}
		if err != nil { // they are part of the program
			panic("passwords: the list " + name + " cannot be read: " + err.Error())
		}
		for i, word := range list.List {
			word = strings.ToLower(word)
			if rank, ok := out[word]; !ok || i+1 < rank {
				out[word] = i + 1
			}
		}
	}
	return out
})
