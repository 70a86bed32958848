#!/usr/bin/env bash
# Makes packages/fullnat-VERSION.tgz for npm and packages/fullnat_VERSION_ARCH.deb for Debian, kernel
# programs built in. What git knows of is built anew in a folder of its own: nothing stale gets in.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/packages

main() {
	bash "$root/tools/setup.sh"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	version=$(node -p 'require(process.argv[1]).version' "$root/package.json")
	architecture=$(dpkg --print-architecture)
	# As https://reproducible-builds.org wants it: the date of the source, not of today.
	SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
	export SOURCE_DATE_EPOCH
	mkdir -p "$out"

	build_source
	make_npm_package
	make_debian_package
	say "made $tarball and $deb"
}

build_source() {
	source=$work/source
	mkdir "$source"
	(cd "$root" && git ls-files -z --cached --others --exclude-standard | tar --null -T - -c) |
		tar -x -C "$source"
	ln -s "$root/node_modules" "$source/node_modules"
	bash "$source/tools/build.sh" 2>/dev/null
	node "$source/dist/cli/reference/main.js" man
}

make_npm_package() {
	tarball=$out/fullnat-$version.tgz
	(cd "$source" && npm pack --ignore-scripts --silent --pack-destination "$out" >/dev/null)
}

make_debian_package() {
	tree=$work/tree
	deb=$out/fullnat_${version}_${architecture}.deb
	mkdir -p "$tree/DEBIAN" "$tree/usr/lib/fullnat"
	install_program
	install_around
	install_control
	find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
	dpkg-deb --root-owner-group --build "$tree" "$deb" >/dev/null
}

# What npm would install, with what it depends on.
install_program() {
	local lib=$tree/usr/lib/fullnat
	tar -xzf "$tarball" -C "$lib" --strip-components=1
	cp "$root/package-lock.json" "$root/.npmrc" "$lib"
	(cd "$lib" && npm ci --omit=dev --no-audit --no-fund --loglevel=error >&2)
	rm -rf "$lib"/{package-lock.json,.npmrc,README.md,LICENSE,dist/man} "$lib/node_modules/.package-lock.json"
	# For people who write programs with these, or build them.
	find "$lib/node_modules" -type f \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.map' \
		-o -name '*.ts' -o -iname '*.md' -o -name '.*' \) -delete
	rm -rf "$lib/node_modules/koffi/doc" "$lib/node_modules/.bin"
	find "$lib" -type d -empty -delete
	chmod -R u=rwX,go=rX "$lib"
	find "$lib" -type f -exec chmod 644 {} +
	chmod 755 "$lib/dist/cli/main.js"
	mkdir -p "$tree/usr/bin"
	ln -s ../lib/fullnat/dist/cli/main.js "$tree/usr/bin/fullnat"
}

# Manual pages, completion, units, configuration, documents.
install_around() {
	local fullnat=$source/dist/cli/main.js page shell doc=$tree/usr/share/doc/fullnat
	for page in "$source"/dist/man/*; do
		install -Dm644 "$page" "$tree/usr/share/man/man${page##*.}/$(basename "$page")"
	done
	find "$tree/usr/share/man" -type f -exec gzip -9n {} +

	declare -A completions=(
		[bash]=bash-completion/completions/fullnat
		[zsh]=zsh/vendor-completions/_fullnat
		[fish]=fish/vendor_completions.d/fullnat.fish
	)
	for shell in "${!completions[@]}"; do
		node "$fullnat" completion "$shell" >"$work/completion"
		install -Dm644 "$work/completion" "$tree/usr/share/${completions[$shell]}"
	done

	install -Dm644 -t "$tree/lib/systemd/system" "$root"/deploy/systemd/*.service
	install -Dm644 "$root/deploy/systemd/fullnat.sysusers" "$tree/usr/lib/sysusers.d/fullnat.conf"
	install -Dm644 "$root/deploy/systemd/fullnat.tmpfiles" "$tree/usr/lib/tmpfiles.d/fullnat.conf"
	install -Dm644 -t "$tree/etc/fullnat" "$root"/deploy/etc/*.yaml
	install -Dm644 "$root/deploy/debian/copyright" "$doc/copyright"
	install -Dm644 "$root/README.md" "$doc/README.md"
	install -Dm644 "$root/deploy/debian/lintian-overrides" "$tree/usr/share/lintian/overrides/fullnat"
	changelog | gzip -9n >"$doc/changelog.gz"
	chmod 644 "$doc/changelog.gz"
}

changelog() {
	cat <<-END
		fullnat ($version) unstable; urgency=medium

		  * See the commits of the repository.

		 -- fullnat <fullnat@localhost>  $(date -Rud "@$SOURCE_DATE_EPOCH")
	END
}

install_control() {
	local script
	for script in postinst prerm postrm; do
		install -m755 "$root/deploy/debian/$script" "$tree/DEBIAN/$script"
	done
	(cd "$tree" && find etc -type f -printf '/%p\n' | sort) >"$tree/DEBIAN/conffiles"
	(cd "$tree" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) \
		>"$tree/DEBIAN/md5sums"
	sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" \
		-e "s/@SIZE@/$(du -sk --apparent-size "$tree" | cut -f1)/" \
		"$root/deploy/debian/control" >"$tree/DEBIAN/control"
}

say() { echo "package: $*" >&2; }

main
