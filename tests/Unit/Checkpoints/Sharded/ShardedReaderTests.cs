using System.Text;
using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints.Sharded;

public sealed class ShardedReaderTests
{
    private const string Index = "model.safetensors.index.json";

    [Fact]
    public void Tensors_come_shard_by_shard_in_the_order_of_the_files()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/sharded-bin/pytorch_model.bin.index.json"));

        checkpoint.Format.Should().Be(CheckpointFormat.Sharded);
        checkpoint.Files.Select(f => Path.GetFileName(f)).Should().Equal("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin");
        checkpoint.Entries.Select(e => e.Name).Should().Equal(["z.weight", "z.tied", "z.part", "a.weight", "a.bias"], "the index is sorted by name, the files are not");
        checkpoint.Storages.Should().HaveCount(3);
        checkpoint.Metadata.Should().Equal(new Dictionary<string, string> { ["total_size"] = "528" });
    }

    [Fact]
    public void A_folder_opens_as_its_index_does_and_keeps_its_own_name()
    {
        var folder = Fixtures.Path("gpt2-tiny-sharded");
        using var checkpoint = Checkpoint.Open(folder);

        checkpoint.Path.Should().Be(folder);
        checkpoint.Format.Should().Be(CheckpointFormat.Sharded);
        checkpoint.Entries.Select(e => e.Name).Should().BeEquivalentTo(Fixtures.Expected("gpt2-tiny-sharded/" + Index).Keys);
    }

    [Fact]
    public void A_tensor_of_a_shard_that_cannot_be_loaded_is_told_as_in_one_file()
    {
        using var folder = new TemporaryFolder();
        var quantized = Pth.TinyPickle.Call("torch._utils", "_rebuild_qtensor", Pth.TinyPickle.Storage("1", 4, "QInt8Storage"));
        var root = Pth.TinyPickle.Dict(Pth.TinyPickle.Text("w"), Pth.TinyPickle.Tensor(Pth.TinyPickle.Storage("0", 4), 0, [4], [1]), Pth.TinyPickle.Text("q"), quantized);
        folder.Write("a.bin", Pth.TinyArchive.Of(("a/data.pkl", Pth.TinyPickle.File(root)), ("a/data/0", new byte[16]), ("a/data/1", new byte[4])));
        folder.Write("pytorch_model.bin.index.json", """{"weight_map":{"w":"a.bin","q":"a.bin"}}"""u8);

        using var checkpoint = Checkpoint.Open(folder["pytorch_model.bin.index.json"]);

        checkpoint.Entries.Single().Name.Should().Be("w");
        checkpoint.Unloadable.Single().Name.Should().Be("q");
    }

    [Fact]
    public void A_name_that_is_two_keys_of_a_shard_is_refused()
    {
        using var folder = new TemporaryFolder();
        var vector = Pth.TinyPickle.Tensor(Pth.TinyPickle.Storage("0", 4), 0, [4], [1]);
        var root = Pth.TinyPickle.Dict(Pth.TinyPickle.Text("a"), Pth.TinyPickle.Dict(Pth.TinyPickle.Text("b"), vector), Pth.TinyPickle.Text("a.b"), vector);
        folder.Write("a.bin", Pth.TinyArchive.Of(("a/data.pkl", Pth.TinyPickle.File(root)), ("a/data/0", new byte[16])));
        folder.Write("pytorch_model.bin.index.json", """{"weight_map":{"a.b":"a.bin"}}"""u8);

        Refusal.Of(folder["pytorch_model.bin.index.json"], CheckpointError.Malformed, "tensor 'a.b' stands in shard 'a.bin' twice");
    }

    [Fact]
    public void Of_safetensors_two_names_are_two_keys()
    {
        using var folder = new TemporaryFolder();
        TensorDeclaration[] tensors = [new("a.b", DType.UInt8, [1]), new("a\\.b", DType.UInt8, [1])];
        using (var writer = CheckpointWriter.Create(folder["out"], CheckpointFormat.Sharded, tensors))
        {
            writer.Write([1]);
            writer.Write([2]);
            writer.Commit();
        }

        using var checkpoint = Checkpoint.Open(folder["out"]);
        checkpoint.Entries.Select(entry => entry.Name).Should().BeEquivalentTo("a.b", "a\\.b");
    }

    // Whatever lies there, PyTorch has it under its key.
    [Fact]
    public void What_cannot_be_loaded_counts_as_a_tensor_of_its_name()
    {
        using var folder = new TemporaryFolder();
        var vector = Pth.TinyPickle.Tensor(Pth.TinyPickle.Storage("0", 4), 0, [4], [1]);
        var quantized = Pth.TinyPickle.Call("torch._utils", "_rebuild_qtensor", Pth.TinyPickle.Storage("1", 4, "QInt8Storage"));
        folder.Write("pytorch_model.bin.index.json", """{"weight_map":{"a.b":"a.bin"}}"""u8);

        Write(Pth.TinyPickle.Dict(Pth.TinyPickle.Text("a"), Pth.TinyPickle.Dict(Pth.TinyPickle.Text("b"), vector), Pth.TinyPickle.Text("a.b"), quantized));
        Refusal.Of(folder["pytorch_model.bin.index.json"], CheckpointError.Malformed, "tensor 'a.b' stands in shard 'a.bin' twice");

        Write(Pth.TinyPickle.Dict(Pth.TinyPickle.Text("a.b"), vector, Pth.TinyPickle.Text("w"), quantized));
        using var checkpoint = Checkpoint.Open(folder["pytorch_model.bin.index.json"]);
        checkpoint.Notes.Should().ContainSingle().Which.Should().Be("shard 'a.bin' holds 'w', which the index does not say: left out");

        void Write(string root) => folder.Write("a.bin", Pth.TinyArchive.Of(("a/data.pkl", Pth.TinyPickle.File(root)), ("a/data/0", new byte[16]), ("a/data/1", new byte[4])));
    }

    [Fact]
    public void A_shard_that_names_files_of_its_own_is_refused()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["d"]);
        foreach (var file in Directory.GetFiles(Fixtures.Path("folders/dcp-4-ranks"))) File.Copy(file, Path.Join(folder["d"], Path.GetFileName(file)));
        folder.Write(Index, """{"weight_map":{"w":"d/.metadata"}}"""u8);

        FluentActions.Invoking(() => Checkpoint.Open(folder[Index])).Should().Throw<CheckpointException>()
            .WithMessage($"{Path.Join(folder["d"], ".metadata")}: names files of its own, and is one of a checkpoint's files itself: name it alone");
    }

    [Fact]
    public void What_many_shards_say_of_themselves_is_paid_for_by_all_of_them_together()
    {
        const int Shards = 40, Values = 1 << 16;
        using var folder = new TemporaryFolder();
        for (var shard = 0; shard < Shards; shard++)
        {
            var values = string.Join(',', Enumerable.Range(shard * Values, Values).Select(i => $"\"{i:x}\":\"\""));
            var header = Encoding.ASCII.GetBytes("{\"__metadata__\":{" + values + "},\"" + shard + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
            folder.Write($"{shard}.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. header]);
        }

        folder.Write(Index, Encoding.ASCII.GetBytes("{\"weight_map\":{" + string.Join(',', Enumerable.Range(0, Shards).Select(i => $"\"{i}\":\"{i}.safetensors\"")) + "}}"));

        FluentActions.Invoking(() => Checkpoint.Open(folder[Index])).Should().Throw<CheckpointException>().WithMessage("*describes more values than *");
    }

    [Fact]
    public void Symbolic_links_are_followed_as_the_cache_of_Hugging_Face_has_them()
    {
        using var blobs = new TemporaryFolder();
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(Fixtures.Path("gpt2-tiny-sharded")))
        {
            var blob = blobs.Write(Guid.NewGuid().ToString("N"), File.ReadAllBytes(file));
            File.CreateSymbolicLink(folder[Path.GetFileName(file)], blob);
        }

        // What else lies there leads in a circle, nowhere, or to a device.
        foreach (var (name, target) in (ReadOnlySpan<(string, string)>)[("loop", "loop"), ("broken", "nothing"), ("zero", "/dev/zero"), ("self", ".")])
        {
            File.CreateSymbolicLink(folder[name], target);
        }

        using var checkpoint = Checkpoint.Open(folder[Index]);

        checkpoint.Entries.Should().HaveCount(56);
        CheckpointPaths.WithLinks(folder[Index]).Should().BeEquivalentTo([folder.Path, .. Directory.GetFiles(blobs.Path)]);
    }

    [Fact]
    public void More_shards_than_descriptors_are_read_with_few_descriptors()
    {
        using var folder = new TemporaryFolder();
        const int shards = 1100;
        for (var i = 0; i < shards; i++) folder.Write($"{i}.safetensors", Shard($"t{i}"));
        folder.Write(Index, Bytes(Map([.. Enumerable.Range(0, shards).Select(i => ($"t{i}", $"{i}.safetensors"))])));

        using var checkpoint = Checkpoint.Open(folder.Path);
        Span<byte> one = stackalloc byte[1];
        foreach (var storage in checkpoint.Storages) checkpoint.Read(storage, 0, one);
        Directory.GetFiles("/proc/self/fd").Count(fd => new FileInfo(fd).LinkTarget?.StartsWith(folder.Path, StringComparison.Ordinal) == true)
            .Should().BeLessThanOrEqualTo(64);
    }

    [Fact]
    public void A_shard_that_is_not_there_is_refused() => RefuseIndex(Map(("a", "a.safetensors"), ("b", "b.safetensors")), CheckpointError.NotFound, "names shard 'b.safetensors'");

    [Fact]
    public void A_tensor_that_its_shard_does_not_have_is_refused() =>
        RefuseIndex(Map(("a", "a.safetensors"), ("b", "a.safetensors")), CheckpointError.Malformed, "'b'", "is not in shard 'a.safetensors'");

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../a.safetensors")]
    [InlineData("x/../../a.safetensors")]
    [InlineData("./a.safetensors")]
    [InlineData("x//a.safetensors")]
    [InlineData("..")]
    [InlineData("")]
    public void A_shard_that_is_no_plain_path_below_the_folder_is_refused(string shard) =>
        RefuseIndex(Map(("a", shard)), CheckpointError.Malformed, $"names shard '{shard}'", "below the index's own folder");

    [Fact]
    public void An_index_as_a_shard_is_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write(Index, Bytes(Map(("a", Index))));
        Refusal.Of(folder[Index], CheckpointError.Malformed, "is an index");
    }

    [Theory]
    [InlineData("{\"weight_map\": {\"a\": \"a.safetensors\", \"a\": \"c.safetensors\"}}")]
    [InlineData("{\"weight_map\": {\"a\": \"a.safetensors\"}, \"weight_map\": {\"a\": \"c.safetensors\"}}")]
    [InlineData("{\"weight_map\": {\"a\": \"a.safetensors\", \"\\u0061\": \"c.safetensors\"}}")]
    [InlineData("{\"metadata\": {\"x\": 1, \"x\": 2}, \"weight_map\": {\"a\": \"a.safetensors\"}}")]
    [InlineData("{\"weight_map\": {\"a\": 1}}")]
    [InlineData("{\"weight_map\": {\"a\": null}}")]
    [InlineData("{\"weight_map\": [\"a\"]}")]
    [InlineData("{\"metadata\": {}}")]
    [InlineData("{\"metadata\": 5, \"weight_map\": {}}")]
    [InlineData("{\"weight_map\": {\"a\": \"a.safetensors\"}} more")]
    [InlineData("{\"weight_map\": {\"a\": \"a.safetensors\"}")]
    [InlineData("{\"weight_map\": {\"\\ud800\": \"a.safetensors\"}}")]
    public void A_malformed_index_is_refused(string json) => RefuseIndex(json, CheckpointError.Malformed, "index");

    [Fact]
    public void An_index_beyond_the_limit_is_refused_before_it_is_read()
    {
        using var folder = new TemporaryFolder();
        using (var file = File.Create(folder[Index]))
        {
            file.Write("{\"weight_map\""u8);
            file.SetLength(100_000_001);
        }

        Refusal.Of(folder[Index], CheckpointError.LimitExceeded, "more than the limit");
    }

    private static void RefuseIndex(string json, CheckpointError error, params ReadOnlySpan<string> says)
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.safetensors", Shard("a"));
        folder.Write("c.safetensors", Shard("b", "c"));
        Refusal.Of(folder.Write(Index, Bytes(json)), error, says);
    }

    private static string Map(params (string Tensor, string Shard)[] map) =>
        "{\"metadata\": {}, \"weight_map\": {" + string.Join(", ", map.Select(m => $"\"{m.Tensor}\": \"{m.Shard}\"")) + "}}";

    private static byte[] Shard(params string[] tensors)
    {
        var fields = tensors.Select((t, i) => $$"""{{(i == 0 ? "" : ",")}}"{{t}}":{"dtype":"U8","shape":[1],"data_offsets":[{{i}},{{i + 1}}]}""");
        var header = "{" + string.Concat(fields) + "}";
        return [.. BitConverter.GetBytes((long)header.Length), .. Bytes(header), .. new byte[tensors.Length]];
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
