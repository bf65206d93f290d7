package deliver_test

import "os"

// watched are the signals that the program "signals" tells of.
var watched = []os.Signal{os.Interrupt}
