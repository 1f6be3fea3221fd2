using Loadline.Checkpoints;
using Loadline.Forward.Models;
using Loadline.Strategies;

namespace Loadline.Forward;

/// <summary>The sizes of an article's GPT-2, as its tensors show them; the number of heads is all that they do not show.</summary>
internal sealed record Gpt2Shape(int Vocabulary, int Context, int Width, int Layers, int Heads)
{
    private const int HeadWidth = 64;

    // Two norms, attention and a feed-forward, with and without biases: at least so many.
    private const int TensorsPerLayer = 12;
    private const string Blocks = "trf_blocks.";

    // Activations, logits and biases grow with these, and a sparse file may claim anything.
    private const int LargestWidth = 1 << 16;
    private const int LargestTable = 1 << 20;

    // The deepest GPT-2 has 48. Each is a layer to walk through, and its names may be of one small storage.
    private const int MostLayers = 1 << 10;

    // What the model may have been configured without, or not have saved.
    private static readonly string[] Optional = [".att.mask", ".W_query.bias", ".W_key.bias", ".W_value.bias", HeadBias];

    // The article's has none, and it is computed with where there is one.
    private const string HeadBias = "out_head.bias";

    /// <summary>The modules, in the order in which they compute.</summary>
    public IEnumerable<string> Modules => ["tok_emb", "pos_emb", .. Enumerable.Range(0, Layers).Select(n => $"trf_blocks.{n}"), "final_norm", "out_head"];

    /// <summary>Of tensors, those of the model.</summary>
    public IReadOnlyList<TensorEntry> Of(IReadOnlyList<TensorEntry> entries)
    {
        var names = Parameters(Vocabulary, Context, Width, Layers).Select(parameter => parameter.Name).ToHashSet();
        return [.. entries.Where(entry => names.Contains(entry.Name))];
    }

    /// <summary>Reads the sizes, and refuses what is no such GPT-2.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="entries">The tensors.</param>
    /// <param name="heads">The number of heads; null where they are 64 wide.</param>
    /// <exception cref="CheckpointException">A tensor is missing, or of another shape or dtype; the message names it.</exception>
    /// <exception cref="ArgumentException">The width is no multiple of the heads.</exception>
    public static Gpt2Shape Of(string path, IReadOnlyList<TensorEntry> entries, int? heads)
    {
        var byName = entries.ToDictionary(e => e.Name);
        var (vocabulary, width) = Table(path, byName, "tok_emb.weight", atLeastRows: Gpt2Forward.Input.Max() + 1);
        var (context, _) = Table(path, byName, "pos_emb.weight", atLeastRows: Gpt2Forward.Input.Count);
        if (width > LargestWidth) throw Refuse(path, "tok_emb.weight", $"has rows of {width}, the most that is computed is {LargestWidth}");
        if (heads is null && width % HeadWidth != 0) throw new ArgumentException($"{path}: is {width} wide, no multiple of {HeadWidth}: say with --heads how many heads there are");
        if (heads is < 1 || width % heads > 0) throw new ArgumentException($"{path}: is {width} wide, which {heads} heads cannot share");

        var shape = new Gpt2Shape(vocabulary, context, width, CountLayers(path, entries), heads ?? width / HeadWidth);
        foreach (var expected in Parameters(vocabulary, context, width, shape.Layers)) Check(path, expected, byName);
        return shape;
    }

    private static IEnumerable<ParameterSpec> Parameters(int vocabulary, int context, int width, int layers) =>
        Gpt2.Create("GPT-2", null, vocabulary, context, width, layers).Parameters.Append(new ParameterSpec(HeadBias, null, [vocabulary]));

    private static (int Rows, int Width) Table(string path, Dictionary<string, TensorEntry> byName, string name, int atLeastRows)
    {
        if (!byName.TryGetValue(name, out var table)) throw Refuse(path, name, "is missing");
        if (table.Shape is not [var rows, > 0 and <= int.MaxValue and var width]) throw Refuse(path, name, $"has shape {Shapes.Format(table.Shape.AsSpan())}, not two dimensions");
        if (rows < atLeastRows) throw Refuse(path, name, $"has {rows} rows, the input [[1, 2, 3]] takes {atLeastRows}");
        return rows <= LargestTable ? ((int)rows, (int)width) : throw Refuse(path, name, $"has {rows} rows, the most that is computed is {LargestTable}");
    }

    private static int CountLayers(string path, IReadOnlyList<TensorEntry> entries)
    {
        // Counted, not believed: a name may claim the two billionth layer. No set of numbers: a file may choose such as have one hash.
        var isThere = new bool[MostLayers + 1];
        foreach (var entry in entries)
        {
            if (LayerOf(entry.Name) is >= 0 and var number) isThere[Math.Min(number, MostLayers)] = true;
        }

        var layers = Array.IndexOf(isThere, false) is >= 0 and var first ? first : isThere.Length;
        if (layers > MostLayers) throw Refuse(path, $"trf_blocks.{MostLayers}.norm1.scale", $"is of one block too many: the most that is computed is {MostLayers}");
        if (Array.LastIndexOf(isThere, true) > layers) throw Refuse(path, $"trf_blocks.{layers}.norm1.scale", "is missing");
        // Before anything is made of each: a name alone is a block, too.
        return layers <= entries.Count / TensorsPerLayer
            ? layers
            : throw Refuse(path, $"trf_blocks.{layers - 1}.norm1.scale", $"is one of {layers} blocks, which {entries.Count} tensors cannot fill");
    }

    private static int LayerOf(string name)
    {
        if (!name.StartsWith(Blocks, StringComparison.Ordinal)) return -1;
        var number = name.AsSpan(Blocks.Length);
        return int.TryParse(number.IndexOf('.') is >= 0 and var dot ? number[..dot] : number, out var layer) ? layer : -1;
    }

    private static void Check(string path, ParameterSpec expected, Dictionary<string, TensorEntry> byName)
    {
        if (!byName.TryGetValue(expected.Name, out var found))
        {
            if (Array.Exists(Optional, o => expected.Name.EndsWith(o, StringComparison.Ordinal))) return;
            throw Refuse(path, expected.Name, "is missing");
        }

        if (!found.Shape.SequenceEqual(expected.Shape))
        {
            throw Refuse(path, expected.Name, $"has shape {Shapes.Format(found.Shape.AsSpan())}, expected {Shapes.Format(expected.Shape.AsSpan())}");
        }

        var isComputed = found.DType == DType.Float32 || found.DType == DType.BFloat16 || found.DType == DType.Float16;
        if (isComputed || (found.DType == DType.Bool && expected.Name.EndsWith(".mask", StringComparison.Ordinal))) return;
        throw Refuse(path, expected.Name, $"is {found.DType}, what is computed is float32, bfloat16 and float16");
    }

    private static CheckpointException Refuse(string path, string tensor, string problem) =>
        new(CheckpointError.Mismatch, path, $"{problem}; --verify forward computes GPT-2 as `loadline make` names it, and nothing else", tensor);
}
