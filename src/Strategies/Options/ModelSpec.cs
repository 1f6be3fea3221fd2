using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Reading;

namespace Loadline.Strategies;

/// <summary>One parameter or buffer that a model expects.</summary>
/// <param name="Name">Its name in the state dict.</param>
/// <param name="DType">Its element type; null takes whatever the checkpoint stores.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
/// <param name="TiedTo">The parameter whose memory it shares, so that a checkpoint may leave it out (as Transformers leaves out <c>lm_head</c>).</param>
public sealed record ParameterSpec(string Name, DType? DType, ImmutableArray<long> Shape, string? TiedTo = null);

/// <summary>What a model expects of a checkpoint. Without one, the checkpoint itself says what the model looks like.</summary>
/// <param name="Name">A name for errors, as in <c>gpt2-medium</c>.</param>
/// <param name="Parameters">All parameters and buffers, in the order of the state dict.</param>
public sealed record ModelSpec(string Name, ImmutableArray<ParameterSpec> Parameters)
{
    /// <summary>Whether the checkpoint may hold tensors that the model does not have: they are not loaded.</summary>
    public bool AllowsOthers { get; init; }

    /// <summary>Pairs every parameter with the checkpoint's entry for it.</summary>
    /// <param name="checkpoint">What is there.</param>
    /// <param name="dtype">What it is converted to on the way; null keeps every tensor's own.</param>
    /// <exception cref="CheckpointException">
    /// A tensor is missing, left over where <see cref="AllowsOthers"/> is false, or of another dtype or shape; the message names it, what was expected and what was found.
    /// </exception>
    public IReadOnlyList<TensorEntry> Match(Checkpoint checkpoint, TargetDType? dtype = null)
    {
        var target = dtype?.In(checkpoint);
        var entries = Parameters.Select(p => Match(checkpoint, p, target)).ToList();
        if (AllowsOthers) return entries;
        var known = Parameters.Select(p => p.Name).ToHashSet();
        var leftOver = checkpoint.Entries.Where(e => !known.Contains(e.Name)).ToList();
        return leftOver.Count == 0 ? entries : throw Mismatch(checkpoint, leftOver[0].Name, $"is not in model {Name}{Others(leftOver.Count)}");
    }

    private static string Others(int count) => count switch
    {
        1 => "",
        2 => ", nor is another one",
        _ => $", nor are {count - 1} others",
    };

    private static CheckpointException Mismatch(Checkpoint checkpoint, string tensor, string problem) =>
        new(CheckpointError.Mismatch, checkpoint.Path, problem, tensor);

    private TensorEntry Match(Checkpoint checkpoint, ParameterSpec parameter, TargetDType? target)
    {
        if (!checkpoint.TryFind(parameter.Name, out var entry) && (parameter.TiedTo is null || !checkpoint.TryFind(parameter.TiedTo, out entry)))
        {
            if (checkpoint.FindPrefix([.. Parameters.Select(p => p.Name)]) is { } prefix)
            {
                throw Mismatch(
                    checkpoint, parameter.Name,
                    $"is missing, but all {Parameters.Length} names of model {Name} are there behind '{prefix}': take that off with --strip {prefix} or --strip auto "
                    + "(in C#, LoadOptions.Names)");
            }

            var missing = Parameters.Count(p => !checkpoint.TryFind(p.Name, out _));
            throw Mismatch(checkpoint, parameter.Name, missing == 1 ? $"is missing; model {Name} expects it" : $"is missing, one of {missing} that model {Name} expects");
        }

        entry = entry with { Name = parameter.Name };
        var dtype = target?.Of(entry) ?? entry.DType;
        if (parameter.DType is { } expected && dtype != expected) throw Mismatch(checkpoint, parameter.Name, $"is {dtype}; model {Name} expects {expected}");
        if (!entry.Shape.SequenceEqual(parameter.Shape))
        {
            throw Mismatch(
                checkpoint, parameter.Name, $"has shape {Shapes.Format(entry.Shape.AsSpan())}; model {Name} expects {Shapes.Format(parameter.Shape.AsSpan())}");
        }

        return entry;
    }
}
