package main

// EarthdataConfig is what clients of Earthdata are answered at /s3credentials.
type EarthdataConfig struct {
	// Workspace and Location are what is read where a caller names nothing, and all that it
	// may read is more than one lease can say: in several stores or workspaces, or at too many
	// places. Default: then the answer is an error, which lists what there is.
	Workspace string `yaml:"workspace"`
	Location  string `yaml:"location"`
}
