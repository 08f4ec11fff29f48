// SPDX-License-Identifier: Apache-2.0

// Package deploy has manifests for Kubernetes. Its tests render them with the libraries of
// kustomize and Helm, decode them strictly with the types of Kubernetes, and check the
// configurations in them. It is a module of its own, which keeps these libraries out of
// go.mod.
package deploy
