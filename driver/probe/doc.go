// Package probe asks clouds whether credentials work: AWS and S3-compatible stores
// themselves; of Azure and Google it knows what can be told without asking. It looks,
// and changes nothing there.
package probe
