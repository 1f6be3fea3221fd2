using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Assembly;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Pth;
using Loadline.Unit.Checkpoints.Pth;

namespace Loadline.Unit.Checkpoints;

/// <summary>What holds for every input, tried on many that FsCheck makes up; the seeds are fixed, so that a failure comes again.</summary>
public sealed class ReaderProperties
{
    private static readonly string[] Starts =
    [
        "", "PK\u0003\u0004", "PK\u0005\u0006", "\u0080\u0002", "\u0080\u0002\u008a\u000a\u006c\u00fc\u009c\u0046\u00f9\u0020\u006a\u00a8\u0050\u0019.", "{\"weight_map\":{",
        "\u0010\0\0\0\0\0\0\0{\"a\":{", "\u0001\u0001a\0\u0001",
    ];

    private static readonly string[] Opcodes =
    [
        "(", ")", "]", "}", "N", "0", "1", "2", "t", "l", "u", "s", "a", "b", "e", "R", "Q", "\u0081", "\u0085", "\u0086", "\u0087", "\u0088", "\u008f", "\u0090", "\u0091", "\u0092", "\u0093", "\u0094",
        "h\0", "q\0", "h\u0001", "q\u0001", "K\u0001", "K\u0002", "X\u0001\0\0\0a", "X\u0007\0\0\0storage", "ctorch\nSize\n", "ctorch\nFloatStorage\n", "ctorch.nn.parameter\nParameter\n",
        "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._tensor\n_rebuild_from_type_v2\n", "ccollections\nOrderedDict\n", "c_codecs\nencode\n", "cbuiltins\nset\n", "X\u0006\0\0\0latin1",
        "cmy.code\nThing\n", "(imy.code\nThing\n", "o", "d", "l", "I5\n", "S'a'\n", "U\u0001\u00ff", "X\u000b\0\0\0_parameters", "X\u0008\0\0\0_modules",
        "cnumpy.core.multiarray\n_reconstruct\n", "cnumpy\ndtype\n", "X\u0002\0\0\0f4", "cnumpy.core.multiarray\nscalar\n", "ctorch\nFloatTensor\n",
    ];

    [Fact]
    public void Any_bytes_behind_the_start_of_any_format_are_read_or_refused() => Check(
        from start in Gen.Elements(Starts) from rest in Gen.ArrayOf(Gen.Choose(0, 255)) select Encoding.Latin1.GetBytes(start).Concat(rest.Select(b => (byte)b)).ToArray(),
        bytes =>
        {
            using var folder = new TemporaryFolder();
            IsReadOrRefused(folder.Write("file.bin", bytes));
        });

    [Fact]
    public void Any_opcodes_make_a_value_or_are_refused() => Check(
        Gen.ArrayOf(Gen.Elements(Opcodes)),
        opcodes =>
        {
            try
            {
                var ledger = new Ledger();
                ledger.Add("file", 0);
                using var input = new PickleInput(TinyPickle.File(string.Concat(opcodes)), ledger);
                var context = new PickleContext("file", ledger);
                var root = new PickleMachine(input, context, StorageOrNull).Run();
                new StateDictWalk("file", ledger).Visit(root, (_, _) => throw new CheckpointException(CheckpointError.Malformed, "file", "has no storages"));
            }
            catch (CheckpointException e)
            {
                e.Message.Should().StartWith("file: ");
            }
        });

    [Fact]
    public void Any_part_of_any_view_is_gathered_as_element_by_element() => Check(
        from rank in Gen.Choose(1, 4)
        from shape in Gen.ArrayOf(Gen.Choose(1, 6), rank)
        from strides in Gen.ArrayOf(Gen.Choose(0, 40), rank)
        from width in Gen.Elements(DType.UInt8, DType.Float16, DType.Float32, DType.Float64, DType.Complex128)
        from offset in Gen.Choose(0, 5)
        from skipped in Gen.Choose(0, 10)
        from left in Gen.Choose(0, 10)
        select (View([.. shape.Select(s => (long)s)], [.. strides.Select(s => (long)s)], width, offset), skipped, left),
        part =>
        {
            var (view, skipped, left) = part;
            var storage = new byte[view.Storage.Bytes];
            new Random(1).NextBytes(storage);
            var dense = OneByOne(view, storage);
            var first = Math.Min(skipped, view.ElementCount) * view.DType.BytesPerElement;
            var end = Math.Max(first, dense.Length - left * view.DType.BytesPerElement);

            var gathered = new byte[end - first];
            new TensorPieceReader((_, from, destination) => storage.AsSpan((int)from, destination.Length).CopyTo(destination)).Read(view, first, gathered);

            gathered.Should().Equal(dense[(int)first..(int)end]);
        });

    [Fact]
    public void Any_names_and_shapes_that_are_written_are_read() => Check(
        from names in Gen.ArrayOf(ArbMap.Default.GeneratorFor<string>().Where(n => n is not null && IsUnicode(n) && n != "__metadata__"))
        from size in Gen.Choose(0, 5)
        select (names.Distinct().ToArray(), size),
        contents =>
        {
            var (names, size) = contents;
            foreach (var format in (CheckpointFormat[])[CheckpointFormat.Safetensors, CheckpointFormat.Pth])
            {
                using var folder = new TemporaryFolder();
                using (var writer = CheckpointWriter.Create(folder["file"], format, [.. names.Select(n => new TensorDeclaration(n, DType.Int16, [size, 3]))]))
                {
                    writer.Write(new byte[names.Length * size * 6]);
                    writer.Commit();
                }

                using var checkpoint = Checkpoint.Open(folder["file"]);
                checkpoint.Entries.Select(e => e.Name).Should().BeEquivalentTo(names);
            }
        },
        count: 100);

    [Fact]
    public void Any_text_is_shown_on_one_line_without_a_character_that_cannot_be_seen() => Check(
        ArbMap.Default.GeneratorFor<string>().Where(t => t is not null),
        text => PrintableText.Escape(text).Any(IsHidden).Should().BeFalse());

    private static void Check<T>(Gen<T> inputs, Action<T> holds, int count = 500) =>
        Prop.ForAll(inputs.ToArbitrary(), holds).Check(Config.QuickThrowOnFailure.WithMaxTest(count).WithEndSize(200).WithReplay(1, 3));

    private static object? StorageOrNull(object? id) => id is PickleTuple
        ? new StorageReference(new PickleGlobal("torch.FloatStorage", PickleGlobalKind.StorageClass, DType.Float32), "0", 4)
        : null;

    private static void IsReadOrRefused(string path)
    {
        try
        {
            Checkpoint.Open(path).Dispose();
        }
        catch (CheckpointException e)
        {
            e.Message.Should().StartWith(path).And.NotContainAny("\n", "\r", "\u001b");
        }
    }

    private static TensorEntry View(long[] shape, long[] strides, DType dtype, int offset)
    {
        var bytes = (Shapes.Reach(shape, strides) + offset) * dtype.BytesPerElement;
        return new TensorEntry("w", dtype, [.. shape], [.. strides], offset, new StorageEntry("file", 0, bytes));
    }

    private static byte[] OneByOne(TensorEntry view, byte[] storage)
    {
        var width = view.DType.BytesPerElement;
        IEnumerable<long> elements = [view.StorageOffset];
        for (var d = 0; d < view.Shape.Length; d++)
        {
            var (size, stride) = (view.Shape[d], view.Strides[d]);
            elements = elements.SelectMany(e => Enumerable.Range(0, (int)size).Select(i => e + i * stride)).ToList();
        }

        return [.. elements.SelectMany(e => storage.Skip((int)e * width).Take(width))];
    }

    private static bool IsHidden(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static bool IsUnicode(string text) => !text.EnumerateRunes().Any(r => r == Rune.ReplacementChar);
}
