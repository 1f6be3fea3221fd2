using Loadline.Harness.Budgets;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Kubernetes;

/// <summary>What manifests need beside the budgets.</summary>
internal sealed record ClusterOptions
{
    /// <summary>By engine, the image whose own program is the worker.</summary>
    public required IReadOnlyDictionary<string, string> Images { get; init; }

    /// <summary>Where the checkpoints lie; null where the images have them.</summary>
    public CheckpointVolume? Checkpoints { get; init; }

    /// <summary>The namespace that objects name; null leaves it to whoever applies them.</summary>
    public string? Namespace { get; init; }

    /// <summary>The run's name; null derives it from what runs, so that the same input gives the same names.</summary>
    public string? Run { get; init; }

    /// <summary>Whether a bare Pod is written for each case instead of a Job: for what runs Pods and knows no Jobs.</summary>
    public bool IsBare { get; init; }

    /// <summary>The image of a case: its own, else that of its engine; null where nobody has named one.</summary>
    public string? ImageOf(BudgetCase budget) => budget.Image ?? Images.GetValueOrDefault(budget.Engine ?? EngineNames.Native);

    /// <summary>Reads images: <c>IMAGE</c> is that of the worker with the engine of its own, <c>ENGINE=IMAGE</c> that of another.</summary>
    /// <exception cref="FormatException">One is none, or stands there twice.</exception>
    public static IReadOnlyDictionary<string, string> ParseImages(IEnumerable<string> texts)
    {
        var images = new Dictionary<string, string>();
        foreach (var text in texts)
        {
            // No name of an image has a '='.
            var (engine, image) = text.Split('=', 2) is [var before, var behind] ? (before, behind) : (EngineNames.Native, text);
            if (!Known.Engines.Contains(engine))
                throw new FormatException($"unknown engine '{engine}' in '{text}': known are {string.Join(", ", Known.Engines)}");
            if (image.Length == 0 || image.Any(c => c is <= ' ' or > '~'))
                throw new FormatException($"'{text}' names no image: write one as in registry.example/loadline-worker:1");
            if (!images.TryAdd(engine, image)) throw new FormatException($"there are two images for engine {engine}: {images[engine]} and {image}");
        }

        return images;
    }
}
