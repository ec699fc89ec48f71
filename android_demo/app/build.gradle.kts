import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "melanomaedge.app"
    compileSdk = 36

    defaultConfig {
        applicationId = "melanomaedge.app"
        minSdk = 26
        targetSdk = 36
        versionCode = 1
        versionName = "0.1.0"
        ndk {
            abiFilters += "arm64-v8a"
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    androidResources {
        noCompress += listOf("zip", "tflite", "onnx")
    }

    packaging {
        // Shared objects lie uncompressed at 16 KB boundaries, as phones with such pages need them.
        jniLibs.useLegacyPackaging = false
        resources.excludes += listOf("META-INF/maven/**", "META-INF/native-image/**", "META-INF/versions/**")
    }

    testOptions {
        unitTests.isIncludeAndroidResources = true
    }
}

kotlin {
    compilerOptions {
        jvmTarget.set(JvmTarget.JVM_1_8)
    }
}

dependencies {
    implementation(project(":core"))
    implementation(project(":engine"))
    runtimeOnly("org.bytedeco:tensorflow-lite:2.20.0-1.5.13:android-arm64")
    runtimeOnly("org.bytedeco:javacpp:1.5.13:android-arm64")

    testImplementation(project(path = ":core", configuration = "fixtures"))
    testImplementation("junit:junit:4.13.2")
    testImplementation("org.robolectric:robolectric:4.17")
    testRuntimeOnly("org.bytedeco:tensorflow-lite:2.20.0-1.5.13:linux-x86_64")
    testRuntimeOnly("org.bytedeco:javacpp:1.5.13:linux-x86_64")
}
