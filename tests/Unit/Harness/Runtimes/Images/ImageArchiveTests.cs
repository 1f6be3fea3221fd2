using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Harness;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Images;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Harness.Runtimes.Images;

/// <summary>Archives of an image whose worker is this machine's shell.</summary>
public sealed class ImageArchiveTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Two_archives_of_the_same_files_are_the_same_bytes()
    {
        await WriteAsync("one.tar");
        await WriteAsync("two.tar");

        (await File.ReadAllBytesAsync(_folder["two.tar"], Cancellation)).Should().Equal(await File.ReadAllBytesAsync(_folder["one.tar"], Cancellation));
        Directory.EnumerateFileSystemEntries(_folder.Path).Should().HaveCount(2, "what a layer waited in is gone");
    }

    [Fact]
    public async Task Every_blob_has_the_name_of_its_digest_and_the_manifest_describes_it()
    {
        await WriteAsync("image.tar");
        var files = await FilesAsync("image.tar");

        foreach (var (path, bytes) in files.Where(file => file.Key.StartsWith("blobs/", StringComparison.Ordinal)))
        {
            path.Should().Be($"blobs/sha256/{Convert.ToHexStringLower(SHA256.HashData(bytes))}");
        }

        var entry = Json(files["index.json"]).GetProperty("manifests")[0];
        var manifest = Json(Blob(files, entry));
        var layer = manifest.GetProperty("layers").EnumerateArray().Should().ContainSingle().Subject;
        Blob(files, layer);
        var config = Json(Blob(files, manifest.GetProperty("config")));
        config.GetProperty("rootfs").GetProperty("diff_ids")[0].GetString().Should().Be(layer.GetProperty("digest").GetString(), "the layer is not compressed");
        Json(files["oci-layout"]).GetProperty("imageLayoutVersion").GetString().Should().Be("1.0.0");
    }

    [Fact]
    public async Task Dockers_list_is_of_the_same_blobs_under_the_same_name()
    {
        var archive = await WriteAsync("image.tar", "registry.example/team/worker:1");
        var files = await FilesAsync("image.tar");

        archive.Name.ToString().Should().Be("registry.example/team/worker:1");
        var list = Json(files["manifest.json"])[0];
        list.GetProperty("RepoTags")[0].GetString().Should().Be("registry.example/team/worker:1");
        files.Keys.Should().Contain([list.GetProperty("Config").GetString()!, list.GetProperty("Layers")[0].GetString()!]);
        Json(files["index.json"]).GetProperty("manifests")[0].GetProperty("annotations").GetProperty("io.containerd.image.name").GetString()
            .Should().Be("registry.example/team/worker:1");
    }

    [Fact]
    public async Task A_container_starts_the_worker_with_the_settings_of_a_measured_run()
    {
        await WriteAsync("image.tar");
        var files = await FilesAsync("image.tar");
        var config = Json(files[Json(files["manifest.json"])[0].GetProperty("Config").GetString()!]).GetProperty("config");

        config.GetProperty("Entrypoint").EnumerateArray().Select(word => word.GetString()).Should().Equal("/loadline-worker");
        config.GetProperty("Env").EnumerateArray().Select(variable => variable.GetString())
            .Should().BeEquivalentTo(WorkerEnvironment.Runtime.Select(variable => $"{variable.Key}={variable.Value}"));
    }

    [Fact]
    public async Task Another_worker_is_another_image()
    {
        var one = await WriteAsync("one.tar");
        await File.WriteAllTextAsync(_folder["worker"], "another", Cancellation);
        var image = await EngineImage.OfAsync(EngineNames.Native, _folder["worker"], system: null, Cancellation);

        ImageArchive.Write(_folder["two.tar"], "worker", image).Name.Tag.Should().NotBe(one.Name.Tag);
    }

    [Fact]
    public async Task A_layer_above_another_holds_only_what_that_lacks()
    {
        var below = new ImageContents();
        await below.AddProgramAsync("/bin/sh", "/bin/sh", Cancellation);
        var above = new ImageContents { IsBase = false };
        await above.AddProgramAsync("/bin/sh", "/bin/another", Cancellation);

        above.LeaveOut(below);

        using var tar = new MemoryStream();
        above.WriteTo(tar);
        tar.Position = 0;
        using var reader = new TarReader(tar);
        (await reader.GetNextEntryAsync(cancellationToken: Cancellation))!.Name.Should().Be("bin/another");
        (await reader.GetNextEntryAsync(cancellationToken: Cancellation)).Should().BeNull();
    }

    [Fact]
    public async Task Over_a_system_that_is_given_lies_the_worker_alone()
    {
        await File.WriteAllBytesAsync(_folder["base.tar"], await TarOfAsync("usr/lib/libc.so.6"), Cancellation);
        var image = await EngineImage.OfAsync(EngineNames.Native, "/bin/sh", BaseArchive.Of(_folder["base.tar"]), Cancellation);

        ImageArchive.Write(_folder["image.tar"], "worker", image);

        var files = await FilesAsync("image.tar");
        var layers = Json(files["manifest.json"])[0].GetProperty("Layers").EnumerateArray().Select(layer => files[layer.GetString()!]).ToList();
        layers.Should().HaveCount(2);
        layers[0].Should().Equal(await File.ReadAllBytesAsync(_folder["base.tar"], Cancellation));
        using var reader = new TarReader(new MemoryStream(layers[1]));
        (await reader.GetNextEntryAsync(cancellationToken: Cancellation))!.Name.Should().Be("loadline-worker");
        (await reader.GetNextEntryAsync(cancellationToken: Cancellation)).Should().BeNull();
    }

    [Theory]
    [InlineData(new byte[] { 0x1f, 0x8b, 8, 0 })]
    [InlineData(new byte[0])]
    public async Task A_system_that_is_no_tar_is_refused(byte[] beginning)
    {
        await File.WriteAllBytesAsync(_folder["base.tar"], [.. beginning, .. new byte[beginning.Length * 1024]], Cancellation);
        var open = () => BaseArchive.Of(_folder["base.tar"]);

        open.Should().Throw<InputException>().WithMessage($"{_folder["base.tar"]}: is no tar of a system, or a compressed one: name one as *");
    }

    [Fact]
    public void A_system_that_is_not_there_or_a_folder_is_refused()
    {
        var missing = () => BaseArchive.Of(_folder["base.tar"]);
        missing.Should().Throw<CheckpointException>().WithMessage("*there is no such file or folder");

        var folder = () => BaseArchive.Of(_folder.Path);
        folder.Should().Throw<Exception>().Which.Should().Match(e => e is InputException || e is CheckpointException);
    }

    private static async Task<byte[]> TarOfAsync(string file)
    {
        using var bytes = new MemoryStream();
        await using (var tar = new TarWriter(bytes, TarEntryFormat.Ustar, leaveOpen: true))
        {
            await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, file) { DataStream = new MemoryStream([1, 2, 3]) }, Cancellation);
        }

        return bytes.ToArray();
    }

    private async Task<ImageArchive> WriteAsync(string file, string name = "worker") =>
        ImageArchive.Write(_folder[file], name, await EngineImage.OfAsync(EngineNames.Native, "/bin/sh", system: null, Cancellation));

    private async Task<Dictionary<string, byte[]>> FilesAsync(string archive)
    {
        await using var stream = File.OpenRead(_folder[archive]);
        await using var reader = new TarReader(stream);
        var files = new Dictionary<string, byte[]>();
        while (await reader.GetNextEntryAsync(copyData: true, Cancellation) is { } entry)
        {
            entry.ModificationTime.Should().Be(DateTimeOffset.UnixEpoch);
            if (entry.EntryType is not TarEntryType.RegularFile) continue;
            using var bytes = new MemoryStream();
            if (entry.DataStream is { } data) await data.CopyToAsync(bytes, Cancellation);
            files.Add(entry.Name, bytes.ToArray());
        }

        return files;
    }

    private static byte[] Blob(Dictionary<string, byte[]> files, JsonElement descriptor)
    {
        var bytes = files[descriptor.GetProperty("digest").GetString()!.Replace("sha256:", "blobs/sha256/")];
        bytes.LongLength.Should().Be(descriptor.GetProperty("size").GetInt64());
        return bytes;
    }

    private static JsonElement Json(byte[] bytes) => JsonDocument.Parse(bytes).RootElement;
}
