using System.Collections.Immutable;
using System.IO.Compression;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.DeviceMaps;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors.Engines;
using Loadline.Unit.Checkpoints.Pth;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.DeviceMaps;

/// <summary>Weights in an offload folder are found again by where they come from: whatever two differ in, they must not be taken for each other.</summary>
public sealed class OffloadFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_that_took_its_name_is_not_the_one_that_is_read()
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        var read = FileIdentity.Of(path)!.File;
        using var checkpoint = Checkpoint.Open(path);

        System.IO.File.Copy(path, folder["new"]);
        System.IO.File.Move(folder["new"], path, overwrite: true);

        checkpoint.IdentityOf(path)!.File.Should().Be(read).And.NotBe(FileIdentity.Of(path)!.File);
    }

    [Fact]
    public void Whatever_two_storages_differ_in_they_have_two_names()
    {
        var file = _folder.Write("w.pth", new byte[64]);
        StorageEntry plain = new(file, 0, 16), inline = plain with { Inline = [1, 2, 3, 4] };
        var view = new TensorEntry("w", DType.Float32, [2], [2], 0, plain);
        var one = new WeightStorage(plain, 0, 16, [view]);
        WeightStorage[] all =
        [
            one, one with { SourceOffset = 4 }, one with { Bytes = 8 }, one with { Source = plain with { Position = 4 } }, one with { Source = plain with { Bytes = 12 } },
            one with { Source = plain with { CompressedBytes = 16 } }, one with { Source = inline }, one with { Source = inline with { Inline = [1, 2, 3, 5] } },
            one with { Gathered = view }, one with { Gathered = view with { Strides = [3] } }, one with { Gathered = view with { Shape = [1] } },
            one with { Gathered = view with { StorageOffset = 1 } }, one with { ConvertedFrom = DType.Float16 }, one with { Tensors = [view with { DType = DType.Int32 }] },
            one with { ConvertedFrom = DType.Float16, Tensors = [view with { Shape = [1] }] },
            one with { ConvertedFrom = DType.Float16, Tensors = [view, view with { StorageOffset = 1 }] },
            one with { Source = Assembled((0, view)) }, one with { Source = Assembled((1, view)) }, one with { Source = Assembled((0, view), (1, view)) },
            one with { Source = Assembled((0, view with { Storage = plain with { Position = 8 } })) }, one with { Source = Assembled((0, view with { Storage = inline })) },
        ];

        all.Select(new OffloadIdentity(FileIdentity.Of).Of).Should().OnlyHaveUniqueItems();
        new OffloadIdentity(FileIdentity.Of).Of(one).Should().Be(new OffloadIdentity(FileIdentity.Of).Of(one with { Tensors = [view with { Name = "v" }] }));

        StorageEntry Assembled(params (long Offset, TensorEntry Entry)[] parts) =>
            plain with { Assembled = new Parts([.. parts.Select(p => (ImmutableArray.Create(p.Offset), p.Entry))]) };
    }

    [Theory]
    [InlineData("folders/dcp-4-ranks")]
    [InlineData("folders/zero-2")]
    public void What_lies_in_no_one_place_of_a_file_is_offloaded_as_it_is(string fixture) => LoadAndVerify(Fixtures.Path(fixture));

    [Theory]
    [InlineData("wild/numpy-protocol5.pth")]
    [InlineData("wild/device-from-numpy.pth")]
    public void Nor_are_arrays_of_NumPy_taken_for_each_other(string fixture) => LoadAndVerify(_folder.Write("m.pth", System.IO.File.ReadAllBytes(Fixtures.Path(fixture))));

    [Fact]
    public void Weights_of_several_ranks_are_written_again_when_any_of_their_files_has_changed()
    {
        var folder = Directory.CreateDirectory(_folder["zero-2"]).FullName;
        foreach (var file in Directory.GetFiles(Fixtures.Path("folders/zero-2"))) System.IO.File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var ranks = Directory.GetFiles(folder, "*optim_states.pt").Order().ToList();
        LoadAndVerify(folder);

        foreach (var rank in ranks)
        {
            var bytes = System.IO.File.ReadAllBytes(rank);
            // In the middle lie weights; a record's checksum is its writer's.
            for (var i = bytes.Length / 2; i < bytes.Length / 2 + 16; i++) bytes[i] ^= 1;
            System.IO.File.WriteAllBytes(rank, bytes);
            LoadAndVerify(folder);
        }
    }

    [Fact]
    public void Views_of_one_storage_that_begin_together_are_told_apart_by_their_length()
    {
        // One that keeps its dtype has each view get memory of its own.
        var path = _folder.Write("m.pth", TinyArchive.Of(Dict(
            Text("a"), Tensor(Storage("0", 16, "ByteStorage"), 0, [4], [1]), Text("b"), Tensor(Storage("0", 16, "ByteStorage"), 0, [16], [1]),
            Text("f"), Call("torch._utils", "_rebuild_tensor_v3", Storage("0", 16, "UntypedStorage"), Int(0), Ints(4), Ints(1), "\u0089", OrderedDict, Global("torch", "float32")))));

        LoadAndVerify(path, DType.Float16);
    }

    [Fact]
    public void What_was_planted_in_another_format_with_the_right_digest_is_written_again()
    {
        var path = Fixtures.Path("gpt2-tiny.pth");
        LoadAndVerify(path, DType.BFloat16);
        var files = Directory.GetFiles(_folder["offload"], "*.safetensors");
        files.Should().NotBeEmpty();

        // The bytes are the same, compressed: they can be read, and where they lie is something else.
        foreach (var file in files) PlantCompressed(file);

        LoadAndVerify(path, DType.BFloat16);
        foreach (var file in files)
        {
            using var written = Checkpoint.Open(file);
            written.Format.Should().Be(CheckpointFormat.Safetensors);
        }
    }

    [Fact]
    public void What_a_killed_load_left_is_removed_an_hour_later_unless_somebody_writes_it()
    {
        var offload = Directory.CreateDirectory(_folder["offload"]).FullName;
        var name = new string('a', 32);
        var left = Write($"{name}.safetensors.0123456789abcdef.partial", hours: 2);
        string[] others =
        [
            Write($"{name}.safetensors.fedcba9876543210.partial", hours: 0), Write("model.safetensors.0123456789abcdef.partial", hours: 2),
            Write($"{name}.safetensors", hours: 2), Write("notes.partial", hours: 2),
        ];

        using (System.IO.File.OpenHandle(left, FileMode.Open, FileAccess.Write)) LoadAndVerify(Fixtures.Path("gpt2-tiny.pth"), DType.BFloat16);
        System.IO.File.Exists(left).Should().BeTrue("its writer has it open");

        LoadAndVerify(Fixtures.Path("gpt2-tiny.pth"), DType.Float16);
        System.IO.File.Exists(left).Should().BeFalse();
        others.Should().OnlyContain(file => System.IO.File.Exists(file));

        string Write(string file, int hours)
        {
            var path = Path.Combine(offload, file);
            System.IO.File.WriteAllText(path, "half");
            System.IO.File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(-hours));
            return path;
        }
    }

    [Theory]
    [InlineData("file", "is a file: name a folder for --offload-folder")]
    [InlineData("file/below", "cannot be made: name another folder for --offload-folder")]
    [InlineData("/dev/shm/offload", "is on tmpfs, where files are memory: name a folder on a disk for --offload-folder")]
    public void What_can_be_no_folder_is_the_users_mistake(string name, string why)
    {
        _folder.Write("file", [1]);
        var folder = _folder[name];

        FluentActions.Invoking(() => OffloadFolder.Make(folder)).Should().Throw<TakenNameException>().WithMessage($"{folder}: {why}");
    }

    private void PlantCompressed(string file)
    {
        var stored = _folder["stored.pth"];
        using (var checkpoint = Checkpoint.Open(file))
        {
            var storage = checkpoint.Entries.Single().Storage;
            var bytes = new byte[storage.Bytes];
            checkpoint.Read(storage, 0, bytes);
            using var writer = CheckpointWriter.Create(stored, CheckpointFormat.Pth, [new TensorDeclaration("storage", DType.UInt8, [storage.Bytes])]);
            writer.Write(bytes);
            writer.Commit();
        }

        using var from = ZipFile.OpenRead(stored);
        using var to = new ZipArchive(System.IO.File.Create(file), ZipArchiveMode.Create);
        foreach (var entry in from.Entries)
        {
            using var input = entry.Open();
            using var output = to.CreateEntry(entry.FullName, CompressionLevel.Fastest).Open();
            input.CopyTo(output);
        }
    }

    private void LoadAndVerify(string path, TargetDType? dtype = null)
    {
        var options = new LoadOptions { Strategy = "device-map", DType = dtype }.WithDevices("disk").WithOffloadFolder(_folder["offload"]);
        using var checkpoint = Checkpoint.Open(path);
        using var model = Loader.Load(checkpoint, options, new NativeEngine());
        new WeightVerifier(checkpoint, readers: 1).Verify(model, checkpoint.Entries);
    }

    private sealed record Parts(List<(ImmutableArray<long> Offsets, TensorEntry Entry)> All) : IAssembledBytes
    {
        IEnumerable<(ImmutableArray<long> Offsets, TensorEntry Entry, long SpanBytes)> IAssembledBytes.Parts =>
            All.Select(part => (part.Offsets, part.Entry, part.Entry.ByteCount));

        IReadOnlyList<(TensorEntry Entry, long SpanBytes)> IAssembledBytes.Deflated => [];

        long IAssembledBytes.Runs => All.Count;

        public void Read(long offset, Span<byte> destination, StorageReader read) => throw new NotSupportedException();
    }
}
