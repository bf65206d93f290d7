// Package awsconfig changes lines of an AWS configuration file and leaves all else of
// it as it is, byte for byte.
package awsconfig
