using Loadline.Checkpoints;
using Loadline.Checkpoints.Zero;
using Loadline.Unit.Checkpoints.Pth;
using static Loadline.Unit.Checkpoints.Folders.TinyFolders;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>Folders of little length that describe much: one part under many names, one dictionary of shapes in many places.</summary>
public sealed class SharedPartsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void One_part_of_many_values_by_many_names_is_refused()
    {
        var part = Part(Dict([.. Enumerable.Range(0, 400).SelectMany(i => (string[])[Text($"{i}"), "N"])]));
        _folder.Write("__0_0.distcp", part);
        var names = Enumerable.Range(0, 800).Select(i => $"n{i}").ToList();
        WriteDistributed(
            _folder, string.Concat(names.Select(n => Text(n) + Instance("BytesStorageMetadata"))),
            string.Concat(names.Select(n => Place(n, isTensor: false, "__0_0.distcp", 0, part.Length))));

        RefuseMemory();
    }

    [Fact]
    public void One_part_that_is_deflated_by_many_names_is_refused()
    {
        const int elements = 16 << 20;
        var part = TinyArchive.Deflated(Tensor(Storage("0", elements, "ByteStorage"), elements - 4, [4], [1]), new byte[elements]);
        _folder.Write("__0_0.distcp", part);
        var names = Enumerable.Range(0, 200).Select(i => $"n{i}").ToList();
        WriteDistributed(
            _folder, string.Concat(names.Select(n => Text(n) + TensorMetadata(4, "uint8"))),
            string.Concat(names.Select(n => Place(n, isTensor: true, "__0_0.distcp", 0, part.Length))));

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*inflated more than 4 times*");
    }

    // Of each piece of the whole the part has 16 bytes of each KiB, and they lie all over its record.
    [Fact]
    public void A_deflated_part_that_is_transposed_is_counted_once_for_each_piece_of_the_whole()
    {
        const int rows = 1 << 17, columns = 1024, mine = 16;
        var part = TinyArchive.Deflated(Tensor(Storage("0", rows * mine, "ByteStorage"), 0, [rows, mine], [1, rows]), new byte[rows * mine]);
        var rest = Part(Tensor(Storage("0", 16, "ByteStorage"), 0, [rows, columns - mine], [0, 0]));
        _folder.Write("__0_0.distcp", [.. part, .. rest]);
        var chunks = Chunk(0, mine) + Chunk(mine, columns - mine);
        WriteDistributed(
            _folder, Text("w") + Instance("TensorStorageMetadata", Text("size"), Ints(rows, columns), Text("properties"), Instance("TensorProperties", Text("dtype"), Global("torch", "uint8")),
                Text("chunks"), "](" + chunks + "e"),
            PlaceOf(0, 0, part.Length) + PlaceOf(mine, part.Length, rest.Length));

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*inflated more than 4 times*");

        static string Chunk(int column, int count) => Instance("ChunkStorageMetadata", Text("offsets"), Ints(0, column), Text("sizes"), Ints(rows, count));
        static string PlaceOf(int column, int offset, int length) => Instance("MetadataIndex", Text("fqn"), Text("w"), Text("offset"), Ints(0, column)) +
            Instance("_StorageInfo", Text("relative_path"), Text("__0_0.distcp"), Text("offset"), Int(offset), Text("length"), Int(length));
    }

    [Fact]
    public void A_part_whose_elements_lie_over_each_other_is_refused_as_a_tensor_is()
    {
        const int side = 257, stride = 4097, elements = 3 * (side - 1) * stride + 1;
        var part = TinyArchive.Of(("a/data.pkl", File(Tensor(Storage("0", elements, "ByteStorage"), 0, [side, side, side], [stride, stride, stride]))), ("a/data/0", new byte[elements]));
        _folder.Write("__0_0.distcp", part);
        var chunk = Instance("ChunkStorageMetadata", Text("offsets"), Ints(0, 0, 0), Text("sizes"), Ints(side, side, side));
        var rest = Instance("ChunkStorageMetadata", Text("offsets"), Ints(side, 0, 0), Text("sizes"), Ints(1, side, side));
        var properties = Instance("TensorProperties", Text("dtype"), Global("torch", "uint8"));
        var row = TinyArchive.Of(("a/data.pkl", File(Tensor(Storage("0", 4, "ByteStorage"), 0, [1, side, side], [0, 0, 0]))), ("a/data/0", new byte[4]), ("a/version", "3\n"u8.ToArray()));
        _folder.Write("__1_0.distcp", row);
        WriteDistributed(
            _folder, Text("w") + Instance("TensorStorageMetadata", Text("size"), Ints(side + 1, side, side), Text("properties"), properties, Text("chunks"), "](" + chunk + rest + "e"),
            PlaceOf("__0_0.distcp", 0, part.Length) + PlaceOf("__1_0.distcp", side, row.Length));

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*lie too far apart to be read together*");

        static string PlaceOf(string file, int first, int length) => Instance("MetadataIndex", Text("fqn"), Text("w"), Text("offset"), Ints(first, 0, 0)) +
            Instance("_StorageInfo", Text("relative_path"), Text(file), Text("offset"), Int(0), Text("length"), Int(length));
    }

    // Rows that are repeated lie between those of other parts: each is read by itself, through all that puts them together.
    [Theory]
    [InlineData(2000, true)]
    [InlineData(200, false)]
    public void Parts_of_repeated_rows_are_counted_by_their_reads(int boxes, bool isRefused)
    {
        const int rows = 256, width = 524;
        var part = TinyArchive.Of(("a/data.pkl", File(Tensor(Storage("0", width, "ByteStorage"), 0, [rows, width], [0, 1]))), ("a/data/0", new byte[width]));
        _folder.Write("__0_0.distcp", part);
        var chunks = string.Concat(Enumerable.Range(0, boxes).Select(box => Instance("ChunkStorageMetadata", Text("offsets"), Ints(0, box * width), Text("sizes"), Ints(rows, width))));
        WriteDistributed(
            _folder, Text("w") + Instance("TensorStorageMetadata", Text("size"), Ints(rows, boxes * width), Text("properties"), Instance("TensorProperties", Text("dtype"), Global("torch", "uint8")),
                Text("chunks"), "](" + chunks + "e"),
            string.Concat(Enumerable.Range(0, boxes).Select(box => Instance("MetadataIndex", Text("fqn"), Text("w"), Text("offset"), Ints(0, box * width)) +
                Instance("_StorageInfo", Text("relative_path"), Text("__0_0.distcp"), Text("offset"), Int(0), Text("length"), Int(part.Length)))));

        var open = FluentActions.Invoking(() => Checkpoint.Open(_folder.Path).Dispose());

        if (isRefused) open.Should().Throw<CheckpointException>().WithMessage("*lie too far apart to be read together*");
        else open.Should().NotThrow();
    }

    // Two columns, each of them one byte that is repeated, or as many bytes as it has elements.
    [Theory]
    [InlineData(1000, true)]
    [InlineData(9_000_000, false)]
    public void Columns_of_more_elements_than_their_parts_have_bytes_are_refused(int elements, bool isRefused)
    {
        const int rows = 9_000_000;
        var part = TinyArchive.Of(("a/data.pkl", File(Tensor(Storage("0", elements, "ByteStorage"), 0, [rows, 1], [elements == rows ? 1 : 0, 1]))), ("a/data/0", new byte[elements]));
        _folder.Write("__0_0.distcp", part);
        _folder.Write("__1_0.distcp", part);
        var chunks = string.Concat(Enumerable.Range(0, 2).Select(column => Instance("ChunkStorageMetadata", Text("offsets"), Ints(0, column), Text("sizes"), Ints(rows, 1))));
        WriteDistributed(
            _folder, Text("w") + Instance("TensorStorageMetadata", Text("size"), Ints(rows, 2), Text("properties"), Instance("TensorProperties", Text("dtype"), Global("torch", "uint8")),
                Text("chunks"), "](" + chunks + "e"),
            string.Concat(Enumerable.Range(0, 2).Select(column => Instance("MetadataIndex", Text("fqn"), Text("w"), Text("offset"), Ints(0, column)) +
                Instance("_StorageInfo", Text("relative_path"), Text($"__{column}_0.distcp"), Text("offset"), Int(0), Text("length"), Int(part.Length)))));

        var open = FluentActions.Invoking(() => Checkpoint.Open(_folder.Path).Dispose());

        if (isRefused) open.Should().Throw<CheckpointException>().WithMessage("*tensor 'w' is put together of 18000000 runs of elements, far more than its parts have bytes*");
        else open.Should().NotThrow();
    }

    [Fact]
    public void Places_of_many_long_numbers_are_refused()
    {
        var place = Instance("_StorageInfo", Text("relative_path"), Text("x"), Text("offset"), Int(0), Text("length"), Int(500)) + "q\u0001";
        var offsets = Ints([.. Enumerable.Repeat(long.MaxValue, 64)]) + "q\0";
        var places = Enumerable.Range(0, 20_000).Select(i => Instance("MetadataIndex", Text("fqn"), Text($"{i}"), Text("offset"), i == 0 ? offsets : "h\0") + (i == 0 ? place : "h\u0001"));
        WriteDistributed(_folder, "", string.Concat(places));

        RefuseMemory();
    }

    [Fact]
    public void A_thousand_groups_of_the_same_thousand_shapes_are_refused()
    {
        var shapes = Dict([.. Enumerable.Range(0, 1000).SelectMany(i => (string[])[Text($"{i}"), ")"])]) + "q\0";
        WriteZero(_folder, Text("param_shapes") + "](" + shapes + Repeat("h\0", 999) + "e");

        RefuseMemory();
    }

    [Fact]
    public void A_hundred_thousand_groups_of_one_tensor_are_refused()
    {
        WriteZero(_folder, Text("param_shapes") + "]" + Dict(Text("w"), Ints(4)) + "a", "](" + Vector + "q\0" + Repeat("h\0", 100_000) + "e");

        RefuseMemory();
    }

    [Fact]
    public void A_place_of_a_million_letters_is_refused_before_its_parts_are_told_apart()
    {
        WriteDistributed(_folder, Text("w") + TensorMetadata(4), Place("w", true, new string('a', 1_000_000), 0, 1000));

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*names a shard by 1000000 characters, more than the limit of 4096");
    }

    [Fact]
    public void A_value_under_one_name_a_hundred_thousand_times_is_refused()
    {
        var value = Text("v") + "q\0" + Instance("BytesStorageMetadata") + "q\u0001";
        WriteDistributed(_folder, value + Repeat("h\0h\u0001", 100_000), Place("v", isTensor: false, new string('a', 4000), 0, 1000));

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*stands in the checkpoint twice*");
    }

    [Fact]
    public void Thousands_of_frozen_parameters_find_their_values()
    {
        var names = Enumerable.Range(0, 4000).Select(i => $"frozen{i}").ToList();
        WriteZero(
            _folder, Text("param_shapes") + "]" + Dict(Text("w"), Ints(4)) + "a" + Text("frozen_param_shapes") + "}(" + string.Concat(names.Select(n => Text(n) + Ints(4))) + "u"
            + Text("frozen_param_fragments") + "}(" + string.Concat(names.Select((n, i) => Text(n) + (i == 0 ? Vector + "q\0" : "h\0"))) + "u");
        using var checkpoint = Checkpoint.Open(_folder.Path);

        checkpoint.Entries.Should().HaveCount(4001);
    }

    [Theory]
    [InlineData("param_shapes")]
    [InlineData("frozen_param_shapes")]
    public void A_shape_of_more_elements_than_can_be_counted_is_refused(string key)
    {
        var (sound, huge) = (Dict(Text("w"), Ints(4)), Dict(Text("v"), Ints(1L << 62, 1L << 62)));
        WriteZero(_folder, Text("param_shapes") + "]" + (key == "param_shapes" ? huge : sound) + "a" + (key == "param_shapes" ? "" : Text(key) + huge));

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*shapes that a tensor can have*");
    }

    [Fact]
    public void A_size_of_more_elements_than_can_be_counted_is_refused()
    {
        WriteDistributed(_folder, Text("w") + Instance("TensorStorageMetadata", Text("size"), Ints(1L << 62, 1L << 62), Text("chunks"), "]"), "");

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*'w' without a size that one can have*");
    }

    [Fact]
    public void A_range_of_vectors_in_a_row_is_cut_out_of_those_that_it_meets()
    {
        var parts = ((long[])[3, 0, 5, 2]).Select((count, i) => new TensorEntry("", DType.Float32, [count], [1], 0, new StorageEntry($"{i}", 0, 4 * count)));
        var vector = new FlatVector(parts, "path", new Ledger());

        vector.Length.Should().Be(10);
        vector.Range(2, 7, 1, 9).Select(c => (c.Entry.Storage.File, c.Entry.Storage.Position / 4, c.Entry.ElementCount, c.Offsets[0]))
            .Should().Equal(("0", 2, 1, 1), ("2", 0, 5, 2), ("3", 0, 1, 7));
        vector.Range(8, 0, 0, 0).Should().BeEmpty();
    }

    private void RefuseMemory() => FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>()
        .Where(e => e.Error == CheckpointError.LimitExceeded).WithMessage("*describes more values*");

    private static string Repeat(string opcodes, int count) => string.Concat(Enumerable.Repeat(opcodes, count));
}
