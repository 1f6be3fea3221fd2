using System.Diagnostics;
using System.Formats.Tar;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Images;

namespace Loadline.Unit.Harness.Runtimes.Images;

public sealed class ImageContentsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void What_ldd_lists_is_read()
    {
        const string Listing = """
            	linux-vdso.so.1 (0x00007f3bc8af0000)
            	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f3bc7c1e000)
            	/lib64/ld-linux-x86-64.so.2 (0x00007f3bc8af2000)
            """;

        SharedLibraries.Parse("worker", Listing).Should().Equal("/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2");
        SharedLibraries.Parse("static", "\tstatically linked").Should().BeEmpty();
    }

    [Fact]
    public void A_library_that_is_missing_is_named()
    {
        var parse = () => SharedLibraries.Parse("/bin/worker", "\tlibstdc++.so.6 => not found").ToList();

        parse.Should().Throw<RuntimeException>().WithMessage("/bin/worker needs libstdc++.so.6, which this machine lacks: install it");
    }

    [Fact]
    public async Task The_layer_holds_the_program_its_loader_and_a_place_for_temporary_files()
    {
        var tar = Layer(await ShellAsync("/bin/worker"));

        using var reader = new TarReader(tar);
        var entries = new Dictionary<string, TarEntry>();
        while (await reader.GetNextEntryAsync(copyData: true, Cancellation) is { } entry) entries[entry.Name] = entry;

        entries["tmp/"].Mode.Should().HaveFlag(UnixFileMode.StickyBit | UnixFileMode.OtherWrite);
        entries["bin/worker"].Length.Should().Be(new FileInfo(File.ResolveLinkTarget("/bin/sh", true)?.FullName ?? "/bin/sh").Length);
        entries.Keys.Should().Contain(name => name.Contains("/ld-")).And.Contain(name => name.EndsWith("/libc.so.6"));
        entries["bin/worker"].Mode.Should().HaveFlag(UnixFileMode.OtherExecute);
    }

    [Fact]
    public async Task A_driver_that_is_put_into_the_layer_is_found_by_this_machines_ldconfig()
    {
        // As NVIDIA's container toolkit does it: its library into /usr/lib64, since the layer is no Debian, and ldconfig in the container's root.
        Assert.SkipUnless(Environment.IsPrivilegedProcess && File.Exists("/sbin/ldconfig"), "ldconfig --root needs root, and ldconfig");
        using var root = new TemporaryFolder();
        await TarFile.ExtractToDirectoryAsync(Layer(await ShellAsync("/bin/worker")), root.Path, overwriteFiles: false, Cancellation);
        var library = Directory.EnumerateFiles(root.Path, "libc.so.6", SearchOption.AllDirectories).First();
        Directory.CreateDirectory(root["usr/lib64"]);
        File.Copy(library, root["usr/lib64/libcuda.so.1"]);

        await RunAsync("/sbin/ldconfig", "-r", root.Path, "-f", "/etc/ld.so.conf", "-C", "/etc/ld.so.cache");

        (await RunAsync("/sbin/ldconfig", "-r", root.Path, "-p")).Should().Contain("=> /usr/lib64/");
    }

    [Fact]
    public async Task The_same_files_give_the_same_layer_and_another_path_another_name()
    {
        var one = await ShellAsync("/bin/one");
        var again = await ShellAsync("/bin/one");

        Layer(again).ToArray().Should().Equal(Layer(one).ToArray());
        again.Hash().Should().Be(one.Hash());
        (await ShellAsync("/bin/two")).Hash().Should().NotBe(one.Hash());
    }

    [Fact]
    public async Task A_worker_that_is_not_built_is_an_error()
    {
        var add = () => new ImageContents().AddProgramAsync("/no/worker", "/worker", Cancellation);

        (await add.Should().ThrowAsync<RuntimeException>()).WithMessage("there is no /no/worker to make an image of: build it first");
    }

    private static async Task<ImageContents> ShellAsync(string path)
    {
        var contents = new ImageContents();
        await contents.AddProgramAsync("/bin/sh", path, Cancellation);
        return contents;
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        process.ExitCode.Should().Be(0);
        return output;
    }

    private static MemoryStream Layer(ImageContents contents)
    {
        var tar = new MemoryStream();
        contents.WriteTo(tar);
        tar.Position = 0;
        return tar;
    }
}
