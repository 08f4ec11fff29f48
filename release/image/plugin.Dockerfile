# SPDX-License-Identifier: Apache-2.0

# Fluent Bit's image with the plugin. The context is the directory of a release:
#
#   docker buildx build --platform linux/amd64,linux/arm64 -f release/image/plugin.Dockerfile \
#       --build-arg VERSION=v0.1.0 -t gdummy-fluent-bit build/release
#
# With Buildah, --manifest takes the place of -t.
ARG FLUENT_BIT=5.1.1

FROM scratch AS release
ARG VERSION
ARG TARGETARCH
ADD gdummy-${VERSION}-linux-${TARGETARCH}.tar.gz /

FROM fluent/fluent-bit:${FLUENT_BIT}
ARG VERSION
ARG TARGETARCH
COPY --from=release --chmod=0755 /gdummy-${VERSION}-linux-${TARGETARCH}/gdummy.so /fluent-bit/lib/gdummy.so
COPY --from=release --chmod=0644 /gdummy-${VERSION}-linux-${TARGETARCH}/LICENSE /gdummy-${VERSION}-linux-${TARGETARCH}/THIRD_PARTY.md /usr/share/licenses/gdummy/
LABEL org.opencontainers.image.source="https://github.com/gdummy/gdummy" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# Nothing is written but what a configuration names: the root can be read-only.
USER 65532:65532
ENTRYPOINT ["/fluent-bit/bin/fluent-bit", "-e", "/fluent-bit/lib/gdummy.so"]
CMD ["-i", "gdummy", "-p", "rate=1", "-o", "stdout"]
