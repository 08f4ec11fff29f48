# SPDX-License-Identifier: Apache-2.0

# The command, and the plugin for init containers to copy and image volumes to mount. The
# context is the directory of a release:
#
#   docker buildx build --platform linux/amd64,linux/arm64 -f release/image/command.Dockerfile \
#       --build-arg VERSION=v0.1.0 -t gdummy build/release
#
# With Buildah, --manifest takes the place of -t.
FROM scratch AS release
ARG VERSION
ARG TARGETARCH
ADD gdummy-${VERSION}-linux-${TARGETARCH}.tar.gz /

# A shell, for patterns of files, and cp, for init containers.
FROM busybox:1.37.0-musl
ARG VERSION
ARG TARGETARCH
COPY --from=release --chmod=0755 /gdummy-${VERSION}-linux-${TARGETARCH}/gdummy /usr/bin/gdummy
COPY --from=release --chmod=0755 /gdummy-${VERSION}-linux-${TARGETARCH}/gdummy.so /plugin/gdummy.so
COPY --from=release --chmod=0644 /gdummy-${VERSION}-linux-${TARGETARCH}/LICENSE /gdummy-${VERSION}-linux-${TARGETARCH}/THIRD_PARTY.md /usr/share/licenses/gdummy/
LABEL org.opencontainers.image.source="https://github.com/gdummy/gdummy" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
USER 65532:65532
WORKDIR /data
ENTRYPOINT ["/usr/bin/gdummy"]
CMD ["help"]
