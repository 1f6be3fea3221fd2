using Loadline.Checkpoints;

namespace Loadline.Harness.Budgets;

/// <summary>A checkpoint of a budget file: a recipe or a path, never both.</summary>
internal abstract record CheckpointSource
{
    /// <summary>The name that cases use.</summary>
    public required string Name { get; init; }

    /// <summary>Where it stands in the file, counted from 1.</summary>
    public int Line { get; init; }
}

/// <summary>A file or folder that is already there.</summary>
/// <param name="Path">Absolute; in the budget file it may be relative to that file's folder.</param>
internal sealed record CheckpointAt(string Path) : CheckpointSource;

/// <summary>A checkpoint that is generated once and then kept.</summary>
internal sealed record GeneratedCheckpoint(CheckpointRecipe Recipe) : CheckpointSource;

/// <summary>What a synthetic checkpoint is made from: the same recipe gives the same bytes.</summary>
/// <param name="Model">The model whose names and shapes it has, as in <c>gpt2-medium</c>.</param>
/// <param name="Format">The format it is written in.</param>
/// <param name="DType">The element type of its weights.</param>
/// <param name="Seed">Of the values.</param>
internal sealed record CheckpointRecipe(string Model, CheckpointFormat Format, DType DType, int Seed)
{
    /// <summary>What models are made in.</summary>
    public static readonly IReadOnlyList<DType> DTypes = [DType.Float32, DType.Float16, DType.BFloat16];

    /// <summary>The file's or folder's name: <c>gpt2-medium-float32-0.pth</c>.</summary>
    public string FileName => $"{Model}-{DType.Name}-{Seed}.{Format.Name()}";
}
