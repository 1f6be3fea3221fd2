using DotNet.Testcontainers.Containers;

namespace Loadline.Testcontainers;

/// <summary>What was seen of a container's memory.</summary>
public static class MemoryContainerExtensions
{
    /// <summary>
    /// Tells what the container's memory was until now, and what became of it. A program that ends is waited for first, with
    /// <c>GetExitCodeAsync</c>; of a server this is the peak so far. To be asked before the container is disposed of.
    /// </summary>
    /// <param name="container">One whose builder had <see cref="MemoryBuilderExtensions.WithMemoryGauge"/>.</param>
    /// <param name="cancellation">Stops the question.</param>
    /// <exception cref="InvalidOperationException">It has no gauge, or was not started.</exception>
    public static Task<ContainerMemory> MemoryAsync(this IContainer container, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(container);
        return MemoryGauge.Of(container).ReadAsync(container.Id, cancellation);
    }
}
