import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    id("org.jetbrains.kotlin.jvm")
}

java {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
}

kotlin {
    compilerOptions {
        jvmTarget.set(JvmTarget.JVM_1_8)
        allWarningsAsErrors.set(true)
    }
}

dependencies {
    implementation(project(":core"))
    implementation("org.bytedeco:tensorflow-lite:2.20.0-1.5.13")
    implementation("org.bytedeco:javacpp:1.5.13")
    // For JVM services; the APK holds none of it.
    compileOnly("com.microsoft.onnxruntime:onnxruntime:1.28.0")

    testImplementation(project(path = ":core", configuration = "fixtures"))
    testImplementation("com.microsoft.onnxruntime:onnxruntime:1.28.0")
    testImplementation("org.junit.jupiter:junit-jupiter:5.14.1")
    testImplementation("net.jqwik:jqwik:1.9.3")
    testRuntimeOnly("org.bytedeco:tensorflow-lite:2.20.0-1.5.13:linux-x86_64")
    testRuntimeOnly("org.bytedeco:javacpp:1.5.13:linux-x86_64")
    testRuntimeOnly("org.junit.platform:junit-platform-launcher")
}

tasks.test {
    useJUnitPlatform()
}
