/** The files of delivery: image, platforms, Kubernetes, Compose, workflows, supply chain. */
package luki.gateway.deploy;
