using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Sharded;

namespace Loadline.Checkpoints.Folders;

/// <summary>
/// The names by which Hugging Face's libraries know a model's weights: <c>model.safetensors</c> and <c>pytorch_model.bin</c> of Transformers,
/// <c>diffusion_pytorch_model.*</c> of Diffusers, <c>adapter_model.*</c> of PEFT, each as one file or as shards with an index, and with a variant
/// (<c>model.fp16.safetensors</c>, <c>model.safetensors.index.fp16.json</c>).
/// </summary>
/// <param name="Name">The file's.</param>
/// <param name="Model">Which model of the folder it is: names of the same one stand for the same weights.</param>
/// <param name="Variant">Empty where there is none.</param>
/// <param name="Preference">The lowest is taken: safetensors before pickles, a file before an index, as Transformers does.</param>
internal sealed record ModelFile(string Name, string Model, string Variant, int Preference)
{
    private static readonly (string Stem, string Model)[] Stems =
        [("diffusion_pytorch_model", "diffusion"), ("adapter_model", "adapter"), ("pytorch_model", "model"), ("model", "model")];

    private static readonly string[] Extensions = [".safetensors", ".bin"];

    /// <summary>Whether it is an index of shards.</summary>
    public bool IsIndex => Preference % 2 == 1;

    /// <summary>Reads a name; null where it is none of these.</summary>
    public static ModelFile? Of(string name)
    {
        if (FolderFiles.IsShard(name)) return null;
        foreach (var (stem, model) in Stems)
        {
            if (!name.StartsWith(stem + ".", StringComparison.Ordinal)) continue;
            var parts = name[(stem.Length + 1)..].Split('.');
            for (var e = 0; e < Extensions.Length; e++)
            {
                var extension = Extensions[e][1..];
                switch (parts)
                {
                    case [var only] when only == extension: return new(name, model, "", 2 * e);
                    case [var variant, var last] when last == extension: return new(name, model, variant, 2 * e);
                    case [var first, "index", "json"] when first == extension: return new(name, model, "", 2 * e + 1);
                    case [var first, "index", var variant, "json"] when first == extension: return new(name, model, variant, 2 * e + 1);
                    case [var variant, var first, "index", "json"] when first == extension: return new(name, model, variant, 2 * e + 1);
                }
            }

            return null;
        }

        return null;
    }

    /// <summary>The one model of a folder by these names; null where there is none.</summary>
    /// <exception cref="CheckpointException">There are several, which are listed.</exception>
    public static string? Choose(FolderFiles files, Func<string, ShardIndex> readIndex)
    {
        List<ModelFile> all = [.. files.Names.Select(Of).OfType<ModelFile>()];
        if (all.Count == 0) return null;
        // A variant is meant where it is named, or where there is nothing else.
        var plain = all.FindAll(f => f.Variant == "");
        var models = (plain.Count > 0 ? plain : all).GroupBy(f => (f.Model, f.Variant)).Select(g => g.ToList()).ToList();
        // No index is read before there is one model alone: a folder may have a thousand names of one that is long.
        if (models is [var only]) return Best(only, readIndex).Name;
        var names = models.Select(names => Preferred(names).Name).Order(StringComparer.Ordinal).ToList();
        throw new CheckpointException(CheckpointError.UnknownFormat, files.Folder, $"is a folder with several checkpoints: name one of {FolderFiles.Some(names)}");
    }

    // Of a file and an index of the same kind the index is meant if it names the file; else the file, as Transformers does.
    private static ModelFile Best(List<ModelFile> names, Func<string, ShardIndex> readIndex)
    {
        var best = Preferred(names);
        if (best.IsIndex || names.Find(f => f.Preference == best.Preference + 1) is not { } index) return best;
        return readIndex(index.Name).Shards.ContainsKey(best.Name) ? index : best;
    }

    private static ModelFile Preferred(List<ModelFile> names) => names.MinBy(f => f.Preference)!;
}
